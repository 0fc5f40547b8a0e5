"""Every problem type: its stable code, HTTP status and title."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from lambdas.accounts.errors import RuleBrokenError
from lambdas.contracts.errors import ContractIncompleteError

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:daybook:problem:"


class ProblemType(Struct, frozen=True):
    """`code` is the end of the problem's `type`; `retry_after` is in seconds."""

    code: str
    status: int
    title: str
    retry_after: int | None = None

    @property
    def uri(self) -> str:
        """The `type` member of a problem."""
        return TYPE_PREFIX + self.code


INVALID_REQUEST: Final = ProblemType("invalid-request", 400, "The request is malformed or a value is not acceptable")
ACCOUNT_NOT_FOUND: Final = ProblemType("account-not-found", 404, "The account does not exist")
COMMAND_NOT_FOUND: Final = ProblemType("command-not-found", 404, "The account has no such command")
VERSION_NOT_FOUND: Final = ProblemType("version-not-found", 404, "The account has no such version")
EVENT_NOT_IN_LOG: Final = ProblemType(
    "event-not-in-log", 404, "The transparency log has no such event: not yet, not any more, or it does not exist"
)
PATH_NOT_FOUND: Final = ProblemType("not-found", 404, "Nothing is served at this path")
METHOD_NOT_ALLOWED: Final = ProblemType("method-not-allowed", 405, "The path does not support this method")
CONTENTION: Final = ProblemType("contention", 409, "Other commands on the account won every race; nothing was changed")
PRECONDITION_FAILED: Final = ProblemType("precondition-failed", 412, "The account is at another version than If-Match")
TEST_CALLERS_ONLY: Final = ProblemType(
    "test-callers-only", 403, "Only test callers may open an account in the test currency"
)
"""About the caller, not the account: no receipt keeps it, so it ends when the caller is named in the config."""
PAYLOAD_TOO_LARGE: Final = ProblemType("payload-too-large", 413, "The request body is larger than 64 KB")
UNSUPPORTED_MEDIA_TYPE: Final = ProblemType(
    "unsupported-media-type", 415, "The request body is not application/json in UTF-8"
)
INTERNAL_ERROR: Final = ProblemType("internal-error", 500, "The service failed")
VERSION_NOT_REACHED: Final = ProblemType("version-not-reached", 503, "The account is not at min_version yet", 1)
READ_MODEL_NOT_BUILT: Final = ProblemType(
    "read-model-not-built", 503, "The environment has not built what this route reads from yet", 60
)
STORE_UNAVAILABLE: Final = ProblemType("store-unavailable", 503, "The ledger cannot be read at the moment", 1)
LOG_UNAVAILABLE: Final = ProblemType("log-unavailable", 503, "The transparency log cannot be read at the moment", 1)
NOT_APPLIED: Final = ProblemType("not-applied", 503, "The command was not applied; it can be sent again", 1)
OUTCOME_UNKNOWN: Final = ProblemType(
    "outcome-unknown", 503, "The command may have been applied; repeat it under the same Idempotency-Key", 1
)

RULES_BROKEN: Final = (
    ProblemType("account-already-exists", 422, "The account already exists"),
    ProblemType("account-closed", 422, "The account is closed"),
    ProblemType("insufficient-funds", 422, "The amount is above the balance plus the overdraft limit"),
    ProblemType("balance-not-zero", 422, "Only an account with a zero balance can be closed"),
    ProblemType("balance-limit-exceeded", 422, "The balance would pass its upper limit"),
    ProblemType("currency-mismatch", 422, "A transfer needs two accounts of one currency"),
    ProblemType("same-account", 422, "A transfer needs two different accounts"),
)
_BY_CODE: Final = {kind.code: kind for kind in RULES_BROKEN}


def rule_broken(error: type[RuleBrokenError]) -> ProblemType:
    """The type of problem of a broken rule, by its code. Raises ContractIncompleteError."""
    if error.code not in _BY_CODE:
        where = "RULES_BROKEN in lambdas/contracts/problems.py"
        raise ContractIncompleteError(f"{error.__name__} has no problem type {error.code!r}: add one to {where}")
    return _BY_CODE[error.code]


IDEMPOTENCY_KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused", 422, "The Idempotency-Key was used for another request"
)
"""422 like a broken rule, but about the request: it is never stored in a receipt."""

# What only the gateway answers, before a function runs.
MALFORMED_REQUEST: Final = ProblemType("malformed-request", 400, "The gateway cannot read the request")
UNAUTHORIZED: Final = ProblemType("unauthorized", 401, "The request is not authenticated")
FORBIDDEN: Final = ProblemType("forbidden", 403, "The caller may not do this")
TOO_MANY_REQUESTS: Final = ProblemType("too-many-requests", 429, "There are too many requests at the moment", 1)

# What only the status of an asynchronous command shows: its `status` is what a synchronous route would answer.
INVALID_COMMAND: Final = ProblemType("invalid-command", 400, "The body is not a valid command")
PROCESSING_FAILED: Final = ProblemType(
    "processing-failed", 500, "The command could not be processed for a technical reason; nothing was changed"
)
OF_COMMANDS_ONLY: Final = (INVALID_COMMAND, PROCESSING_FAILED)

PROBLEM_TYPES: Final = (
    INVALID_REQUEST,
    MALFORMED_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    TEST_CALLERS_ONLY,
    ACCOUNT_NOT_FOUND,
    COMMAND_NOT_FOUND,
    VERSION_NOT_FOUND,
    EVENT_NOT_IN_LOG,
    PATH_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    CONTENTION,
    PRECONDITION_FAILED,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    *RULES_BROKEN,
    IDEMPOTENCY_KEY_REUSED,
    TOO_MANY_REQUESTS,
    INTERNAL_ERROR,
    VERSION_NOT_REACHED,
    READ_MODEL_NOT_BUILT,
    STORE_UNAVAILABLE,
    LOG_UNAVAILABLE,
    NOT_APPLIED,
    OUTCOME_UNKNOWN,
    *OF_COMMANDS_ONLY,
)
