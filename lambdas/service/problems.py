"""Maps errors of the domain and the store to problems (RFC 9457), for HTTP replies and for rows of stored commands.

`lambdas.httpapi.problems` makes replies of them; their statuses and titles are in `lambdas.contracts.problems`.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from lambdas.accounts.errors import (
    AccountNotFoundError,
    DomainError,
    InvalidFieldError,
    NoTestCallerError,
    RuleBrokenError,
)
from lambdas.contracts import problems as types
from lambdas.contracts.http import Problem
from lambdas.contracts.problems import ProblemType
from lambdas.eventsourcing import errors as store
from lambdas.service.openings import OpeningKeyReusedError

_PROBLEM_TYPES: Final[dict[type[Exception], ProblemType]] = {
    InvalidFieldError: types.INVALID_REQUEST,
    AccountNotFoundError: types.ACCOUNT_NOT_FOUND,
    NoTestCallerError: types.TEST_CALLERS_ONLY,
    store.VersionNotFoundError: types.VERSION_NOT_FOUND,
    store.PreconditionFailedError: types.PRECONDITION_FAILED,
    store.IdempotencyKeyReusedError: types.IDEMPOTENCY_KEY_REUSED,
    OpeningKeyReusedError: types.IDEMPOTENCY_KEY_REUSED,
    store.ContentionError: types.CONTENTION,
    store.ReadUnavailableError: types.STORE_UNAVAILABLE,
    store.NotAppliedError: types.NOT_APPLIED,
    store.OutcomeUnknownError: types.OUTCOME_UNKNOWN,
}


def problem_type(error: Exception) -> ProblemType:
    """The problem type of an error; `internal-error` for an unexpected one."""
    if isinstance(error, RuleBrokenError):
        return types.rule_broken(type(error))
    return _PROBLEM_TYPES.get(type(error), types.INTERNAL_ERROR)


def problem_document(error: Exception, correlation_id: str, kind: ProblemType | None = None) -> Problem:
    """The error as problem details; `kind` replaces the error's own problem type."""
    field = error.field if isinstance(error, InvalidFieldError) else UNSET
    account_id = error.account_id if isinstance(error, OpeningKeyReusedError) else UNSET
    return problem(
        kind or problem_type(error), correlation_id, detail=_detail(error), field=field, account_id=account_id
    )


def problem(
    kind: ProblemType,
    correlation_id: str | UnsetType,
    *,
    detail: str | UnsetType = UNSET,
    field: str | UnsetType = UNSET,
    account_id: str | UnsetType = UNSET,
) -> Problem:
    """A problem of this type."""
    return Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=detail,
        field=field,
        account_id=account_id,
        correlation_id=correlation_id,
    )


def _detail(error: Exception) -> str | UnsetType:
    """Only messages written for callers: those of the store and of Python may reveal internals."""
    match error:
        case InvalidFieldError():
            return f"{error.field}: {error}"
        case DomainError():
            return str(error)
        case store.PreconditionFailedError():
            return f"the account is at version {error.version}"
        case OpeningKeyReusedError():
            return f"the key has opened the account {error.account_id}"
        case store.VersionNotFoundError():
            return f"the newest version of the account is {error.newest}"
        case _:
            return UNSET
