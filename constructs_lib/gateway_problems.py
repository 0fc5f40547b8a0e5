"""A gateway's own errors as problem details (RFC 9457).

A gateway response is not VTL: API Gateway inserts variables unescaped. Only `$context.error.messageString`, which comes
quoted and escaped, may stand inside JSON. The request's id may not, because clients can set it (x-amzn-RequestId); as a
header it only returns a header's value to the client that set it.
Source: API Gateway Developer Guide, "Gateway responses".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk.aws_apigateway import ResponseType, RestApi

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, kw_only=True)
class GatewayProblem:
    """The problem for one kind of gateway error. `uri` is the problem's type, `retry_after` is in seconds.

    With a `reason` the detail is fixed, and names the `field` if there is one; else it is the gateway's own message.
    """

    uri: str
    title: str
    status: int
    retry_after: int | None = None
    field: str | None = None
    reason: str = ""

    @property
    def template(self) -> str:
        """The body: JSON in which the gateway replaces the detail, if it is not fixed, with a quoted string."""
        document = {"type": self.uri, "title": self.title, "status": self.status}
        if self.reason and self.field is None:
            return json.dumps({**document, "detail": self.reason})
        if self.field is not None:
            return json.dumps({**document, "detail": f"{self.field}: {self.reason}", "field": self.field})
        fixed = json.dumps(document)
        return f'{fixed[:-1]}, "detail": $context.error.messageString}}'

    @property
    def headers(self) -> dict[str, str]:
        """Header values: fixed ones in single quotes, as API Gateway requires, and the request's id."""
        headers = {
            "Content-Type": f"'{MEDIA_TYPE}'",
            "Cache-Control": "'no-store'",
            "X-Correlation-Id": "context.requestId",
        }
        if self.retry_after is not None:
            headers["Retry-After"] = f"'{self.retry_after}'"
        return headers


def add_problem_responses(api: RestApi, problems: Mapping[str, GatewayProblem]) -> None:
    """Answer each gateway response type of `problems` (say `THROTTLED`) with its problem."""
    for response_type, problem in problems.items():
        api.add_gateway_response(
            response_type.title().replace("_", ""),
            type=ResponseType.of(response_type),
            status_code=str(problem.status),
            response_headers=problem.headers,
            templates={"application/json": problem.template},
        )
