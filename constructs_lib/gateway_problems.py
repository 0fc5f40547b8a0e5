"""The gateway's own errors as problem details (RFC 9457).

A gateway response is not VTL: variables are pasted in as they are. Only `$context.error.messageString`, which
comes quoted and escaped, may stand inside JSON. Source: API Gateway Developer Guide, "Gateway responses".
"""

import json
from dataclasses import dataclass

from aws_cdk.aws_apigateway import ResponseType, RestApi

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
_DETAIL = "$context.error.messageString"


@dataclass(frozen=True, kw_only=True)
class GatewayProblem:
    """How one kind of gateway error is told. `status` None keeps the gateway's own and tells none."""

    code: str
    title: str
    status: int | None
    retry: bool = False


_FORBIDDEN = GatewayProblem(code="forbidden", title="Not allowed", status=403)
_INTERNAL = GatewayProblem(code="internal-error", title="Internal error", status=500)
_MALFORMED = GatewayProblem(code="malformed-request", title="Malformed request", status=400)
_TOO_MANY = GatewayProblem(code="too-many-requests", title="Too many requests", status=429, retry=True)
_UNKNOWN_OUTCOME = GatewayProblem(
    code="outcome-unknown", title="The outcome is unknown", status=503, retry=True
)

PROBLEMS = {
    "ACCESS_DENIED": _FORBIDDEN,
    "API_CONFIGURATION_ERROR": _INTERNAL,
    "AUTHORIZER_CONFIGURATION_ERROR": _INTERNAL,
    "AUTHORIZER_FAILURE": _INTERNAL,
    "BAD_REQUEST_BODY": _MALFORMED,
    "BAD_REQUEST_PARAMETERS": _MALFORMED,
    "DEFAULT_4XX": GatewayProblem(code="request-refused", title="The request was refused", status=None),
    "DEFAULT_5XX": GatewayProblem(code="internal-error", title="Internal error", status=None, retry=True),
    "EXPIRED_TOKEN": _FORBIDDEN,
    "INTEGRATION_FAILURE": _UNKNOWN_OUTCOME,
    "INTEGRATION_TIMEOUT": _UNKNOWN_OUTCOME,
    "INVALID_API_KEY": _FORBIDDEN,
    "INVALID_SIGNATURE": _FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": _FORBIDDEN,
    "QUOTA_EXCEEDED": _TOO_MANY,
    "REQUEST_TOO_LARGE": GatewayProblem(code="payload-too-large", title="Payload too large", status=413),
    "RESOURCE_NOT_FOUND": GatewayProblem(code="not-found", title="Not found", status=404),
    "THROTTLED": _TOO_MANY,
    "UNAUTHORIZED": GatewayProblem(code="unauthorized", title="Unauthorized", status=401),
    "UNSUPPORTED_MEDIA_TYPE": GatewayProblem(
        code="unsupported-media-type", title="Unsupported media type", status=415
    ),
    "WAF_FILTERED": _FORBIDDEN,
}
"""Every response type of API Gateway. After a failed integration the function may have done its work."""


def problem_template(problem: GatewayProblem, *, type_prefix: str) -> str:
    """The body: JSON in which the gateway replaces the detail by a quoted string."""
    members: dict[str, str | int] = {"type": type_prefix + problem.code, "title": problem.title}
    if problem.status is not None:
        members["status"] = problem.status
    return f'{json.dumps(members)[:-1]}, "detail": {_DETAIL}}}'


def add_problem_responses(api: RestApi, *, type_prefix: str) -> None:
    """Make every error the gateway answers itself a problem whose type is `type_prefix` + code."""
    for name, problem in PROBLEMS.items():
        headers = {"Content-Type": f"'{MEDIA_TYPE}'"}
        if problem.retry:
            headers["Retry-After"] = f"'{RETRY_AFTER_SECONDS}'"
        api.add_gateway_response(
            name.title().replace("_", ""),
            type=ResponseType.of(name),
            status_code=None if problem.status is None else str(problem.status),
            response_headers=headers,
            templates={"application/json": problem_template(problem, type_prefix=type_prefix)},
        )
