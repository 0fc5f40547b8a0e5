"""The problems of the API's contract with which API Gateway answers instead of the function."""

from constructs_lib.gateway_problems import GatewayProblem
from lambdas.contracts.command_model import field_names
from lambdas.contracts.expectations import listed
from lambdas.contracts.problems import (
    FORBIDDEN,
    INTERNAL_ERROR,
    MALFORMED_REQUEST,
    OUTCOME_UNKNOWN,
    PATH_NOT_FOUND,
    PAYLOAD_TOO_LARGE,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemType,
)
from lambdas.httpapi.bodies import ONE_MEDIA_TYPE
from stacks.command_templates.fields import NO_OTHER_FIELDS

_PROBLEMS: dict[str, ProblemType] = {
    "ACCESS_DENIED": FORBIDDEN,
    "API_CONFIGURATION_ERROR": INTERNAL_ERROR,
    "AUTHORIZER_CONFIGURATION_ERROR": INTERNAL_ERROR,
    "AUTHORIZER_FAILURE": INTERNAL_ERROR,
    "BAD_REQUEST_BODY": MALFORMED_REQUEST,
    "BAD_REQUEST_PARAMETERS": MALFORMED_REQUEST,
    "DEFAULT_4XX": MALFORMED_REQUEST,
    "DEFAULT_5XX": OUTCOME_UNKNOWN,
    "EXPIRED_TOKEN": FORBIDDEN,
    "INTEGRATION_FAILURE": OUTCOME_UNKNOWN,
    "INTEGRATION_TIMEOUT": OUTCOME_UNKNOWN,
    "INVALID_API_KEY": FORBIDDEN,
    "INVALID_SIGNATURE": FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": FORBIDDEN,
    "QUOTA_EXCEEDED": TOO_MANY_REQUESTS,
    "REQUEST_TOO_LARGE": PAYLOAD_TOO_LARGE,
    "RESOURCE_NOT_FOUND": PATH_NOT_FOUND,
    "THROTTLED": TOO_MANY_REQUESTS,
    "UNAUTHORIZED": UNAUTHORIZED,
    "UNSUPPORTED_MEDIA_TYPE": UNSUPPORTED_MEDIA_TYPE,
    "WAF_FILTERED": FORBIDDEN,
}
"""DEFAULT_5XX is also the answer when the function crashes or times out, possibly after it applied the command."""

_MODEL_REFUSED = f"must be {NO_OTHER_FIELDS} {listed(field_names(), 'and')}"
"""Only one method has a model. Its own message would be "Invalid request body"."""

_REASONS = {
    "ACCESS_DENIED": "no policy allows this caller this request",
    "BAD_REQUEST_BODY": _MODEL_REFUSED,
    "EXPIRED_TOKEN": "the credentials or the signature of the request have expired",
    "INVALID_SIGNATURE": "the signature does not fit the request: it is made of the request as it is sent",
    "MISSING_AUTHENTICATION_TOKEN": "the request is not signed, or nothing is served at this path",
    "THROTTLED": "more requests a second are sent than the API takes; none of them was begun",
    "UNSUPPORTED_MEDIA_TYPE": ONE_MEDIA_TYPE,
}
"""In place of the gateway's own texts. Those about access name the caller's and the method's ARN (AWS Knowledge Center,
"How do I troubleshoot HTTP 403 errors from API Gateway?") or quote the request that was signed (IAM User Guide,
"Troubleshoot Signature Version 4 signing for AWS API requests"); the others only say the title again."""


def _answer(response_type: str, problem: ProblemType) -> GatewayProblem:
    by_model = response_type == "BAD_REQUEST_BODY"
    return GatewayProblem(
        uri=problem.uri,
        title=problem.title,
        status=problem.status,
        retry_after=problem.retry_after,
        field="body" if by_model else None,
        reason=_REASONS.get(response_type, ""),
    )


GATEWAY_ANSWERS = {response_type: _answer(response_type, problem) for response_type, problem in _PROBLEMS.items()}
"""A problem for every response type of API Gateway."""
