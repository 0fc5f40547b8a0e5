"""The problems of the API's contract with which API Gateway answers instead of the function."""

from constructs_lib.gateway_problems import GatewayProblem
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

GATEWAY_ANSWERS = {
    response_type: GatewayProblem(
        uri=problem.uri, title=problem.title, status=problem.status, retry_after=problem.retry_after
    )
    for response_type, problem in _PROBLEMS.items()
}
"""A problem for every response type of API Gateway."""
