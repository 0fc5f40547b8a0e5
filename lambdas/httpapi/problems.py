"""The one place where errors become HTTP: problem details (RFC 9457)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from lambdas.accounts.errors import AccountNotFoundError, DomainError, InvalidFieldError, RuleBrokenError
from lambdas.contracts import problems as types
from lambdas.contracts.http import Problem
from lambdas.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemType
from lambdas.eventsourcing import errors as store
from lambdas.httpapi import errors as http
from lambdas.httpapi.replies import Reply, json_reply

_RULES_BROKEN = {kind.code: kind for kind in types.RULES_BROKEN}

_PROBLEM_TYPES: Final[dict[type[Exception], ProblemType]] = {
    http.InvalidRequestError: types.INVALID_REQUEST,
    http.PathNotFoundError: types.PATH_NOT_FOUND,
    http.MethodNotAllowedError: types.METHOD_NOT_ALLOWED,
    http.PayloadTooLargeError: types.PAYLOAD_TOO_LARGE,
    http.UnsupportedMediaTypeError: types.UNSUPPORTED_MEDIA_TYPE,
    http.VersionNotReachedError: types.VERSION_NOT_REACHED,
    InvalidFieldError: types.INVALID_REQUEST,
    AccountNotFoundError: types.ACCOUNT_NOT_FOUND,
    store.VersionNotFoundError: types.VERSION_NOT_FOUND,
    store.PreconditionFailedError: types.PRECONDITION_FAILED,
    store.IdempotencyKeyReusedError: types.IDEMPOTENCY_KEY_REUSED,
    store.ContentionError: types.CONTENTION,
    store.ReadUnavailableError: types.STORE_UNAVAILABLE,
    store.NotAppliedError: types.NOT_APPLIED,
    store.OutcomeUnknownError: types.OUTCOME_UNKNOWN,
}


def problem_type(error: Exception) -> ProblemType:
    """The type of problem an error is; `internal-error` for one that nobody expects."""
    if isinstance(error, RuleBrokenError):
        return _RULES_BROKEN[error.code]
    return _PROBLEM_TYPES.get(type(error), types.INTERNAL_ERROR)


def problem_reply(error: Exception, correlation_id: str) -> Reply:
    """The reply to a request that ended in `error`."""
    kind = problem_type(error)
    problem = Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=_detail(error),
        field=_field(error),
        correlation_id=correlation_id,
    )
    headers = {"Content-Type": PROBLEM_MEDIA_TYPE}
    if kind.retry_after is not None:
        headers["Retry-After"] = str(kind.retry_after)
    if isinstance(error, http.MethodNotAllowedError):
        headers["Allow"] = ", ".join(error.allowed)
    return json_reply(kind.status, problem, headers)


def _field(error: Exception) -> str | UnsetType:
    return error.field if isinstance(error, InvalidFieldError | http.InvalidRequestError) else UNSET


def _detail(error: Exception) -> str | UnsetType:
    """Only messages written for callers: those of the store and of Python may tell too much."""
    match error:
        case InvalidFieldError() | http.InvalidRequestError():
            return f"{error.field}: {error}"
        case DomainError() | http.RequestError():
            return str(error)
        case store.PreconditionFailedError():
            return f"the account is at version {error.version}"
        case store.VersionNotFoundError():
            return f"the newest version of the account is {error.newest}"
        case _:
            return UNSET
