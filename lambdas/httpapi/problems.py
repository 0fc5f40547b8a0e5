"""The one place where an error becomes an HTTP reply: problem details (RFC 9457).

This module maps errors in the request itself, of read models and of the log. `lambdas.service.problems` maps
errors of the domain and the store, also for stored commands. Statuses and titles are in `lambdas.contracts.problems`.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from lambdas.contracts import problems as types
from lambdas.contracts.http import Problem
from lambdas.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemType
from lambdas.httpapi import errors as http
from lambdas.httpapi.replies import Reply, json_reply
from lambdas.projections.errors import NotBuiltError, ReadModelUnavailableError
from lambdas.service import problems as service
from lambdas.transparency.errors import LogUnavailableError, NotInLogError

_OF_REQUESTS: Final[dict[type[Exception], ProblemType]] = {
    http.InvalidRequestError: types.INVALID_REQUEST,
    http.PathNotFoundError: types.PATH_NOT_FOUND,
    http.MethodNotAllowedError: types.METHOD_NOT_ALLOWED,
    http.UnknownCallerError: types.FORBIDDEN,
    http.PayloadTooLargeError: types.PAYLOAD_TOO_LARGE,
    http.UnsupportedMediaTypeError: types.UNSUPPORTED_MEDIA_TYPE,
    http.VersionNotReachedError: types.VERSION_NOT_REACHED,
    http.WritesOffError: types.NOT_APPLIED,
}
_OF_READ_MODELS: Final[dict[type[Exception], ProblemType]] = {
    NotBuiltError: types.READ_MODEL_NOT_BUILT,
    ReadModelUnavailableError: types.STORE_UNAVAILABLE,
}
_OF_THE_LOG: Final[dict[type[Exception], ProblemType]] = {
    NotInLogError: types.EVENT_NOT_IN_LOG,
    LogUnavailableError: types.LOG_UNAVAILABLE,
}
_KNOWN: Final = {**_OF_REQUESTS, **_OF_READ_MODELS, **_OF_THE_LOG}


def problem_type(error: Exception) -> ProblemType:
    """The problem type of an error; `internal-error` for an unexpected one."""
    return _KNOWN.get(type(error)) or service.problem_type(error)


def problem_reply(error: Exception, correlation_id: str) -> Reply:
    """The reply to a request that ended in `error`."""
    kind = problem_type(error)
    headers = {"Content-Type": PROBLEM_MEDIA_TYPE}
    wait = error.retry_after if isinstance(error, http.RequestError) else None
    if (wait or kind.retry_after) is not None:
        headers["Retry-After"] = str(wait or kind.retry_after)
    if isinstance(error, http.MethodNotAllowedError):
        headers["Allow"] = ", ".join(error.allowed)
    return json_reply(kind.status, _document(error, correlation_id), headers)


def _document(error: Exception, correlation_id: str) -> Problem:
    if not isinstance(error, http.RequestError):
        return service.problem_document(error, correlation_id, problem_type(error))
    offender = error.field if isinstance(error, http.InvalidRequestError) else UNSET
    detail = (str(error) or UNSET) if offender is UNSET else f"{offender}: {error}"
    return service.problem(problem_type(error), correlation_id, detail=detail, field=offender)
