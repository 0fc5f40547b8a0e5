"""The synchronous operations of the HTTP API, as data: parameters, bodies, replies and problems.

This is the one list of routes: the function, the gateway and the OpenAPI document are made from it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from lambdas.accounts.commands import (
    AnyCommand,
    CloseAccount,
    CreditAccount,
    OpenAccount,
    Transfer,
    WithdrawFromAccount,
)
from lambdas.accounts.errors import (
    AccountClosedError,
    BalanceLimitExceededError,
    BalanceNotZeroError,
    CurrencyMismatchError,
    InsufficientFundsError,
    SameAccountError,
)
from lambdas.contracts import problems
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.http import Account, AccountList, History, Rows, Totals, TransferResult
from lambdas.contracts.problems import ProblemType, rule_broken
from lambdas.contracts.texts import TLOG_PROOF, TextReply


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path. `parameters` and `reply_headers` are names in the document's components.

    The body is `command`, or one of `commands`, which then carries its tag. The reply is JSON, or a text.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    description: str
    command: type[AnyCommand] | None = None
    commands: tuple[type[AnyCommand], ...] = ()
    body_required: bool = True
    status: int = 200
    reply: type[Struct] | TextReply
    reply_headers: tuple[str, ...] = ()
    not_modified: bool = False
    parameters: tuple[str, ...]
    problems: tuple[ProblemType, ...]


ALWAYS: Final = (
    problems.INVALID_REQUEST,
    problems.MALFORMED_REQUEST,
    problems.UNAUTHORIZED,
    problems.FORBIDDEN,
    problems.TOO_MANY_REQUESTS,
    problems.INTERNAL_ERROR,
    problems.OUTCOME_UNKNOWN,
)
"""Problems of every operation."""

_COMMAND: Final = (
    *ALWAYS,
    problems.CONTENTION,
    problems.PAYLOAD_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.IDEMPOTENCY_KEY_REUSED,
    problems.NOT_APPLIED,
)
_ON_ACCOUNT: Final = (
    *_COMMAND,
    problems.ACCOUNT_NOT_FOUND,
    problems.PRECONDITION_FAILED,
    rule_broken(AccountClosedError),
)
_READ_MODEL: Final = (*ALWAYS, problems.READ_MODEL_NOT_BUILT, problems.STORE_UNAVAILABLE)
_COMMAND_PARAMETERS: Final = ("IdempotencyKey", "CorrelationId")
_ON_ACCOUNT_PARAMETERS: Final = ("AccountId", "IfMatch", *_COMMAND_PARAMETERS)

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/accounts",
        operation_id="openAccount",
        summary="Open an account",
        description="XTS is ISO 4217's code for testing: only callers that the environment names may open an account "
        "in it. With an Idempotency-Key, the account's id is derived from the caller and the key, as a UUID of "
        "version 8. Repeated, the request gets the first answer for ever; another request under the key gets 422, with "
        "the `account_id` that it has opened.",
        command=OpenAccount,
        status=201,
        reply=Account,
        reply_headers=("Location", "ETag", "IdempotentReplayed"),
        parameters=_COMMAND_PARAMETERS,
        problems=(*_COMMAND, problems.TEST_CALLERS_ONLY),
    ),
    Operation(
        method="GET",
        path="/accounts",
        operation_id="listAccounts",
        summary="List accounts, or read several at once",
        description="From a read model, which follows the ledger: `Daybook-Lag` says how far it was behind. Each "
        "account is the fold of its events up to its `version`.\n\n"
        "Without `ids`: a page of all accounts, of those of one `status`, one `currency` or both. Accounts that do not "
        "change between the first page and the last are listed once each; one that is opened or closed meanwhile may "
        "be missing. A page may hold fewer accounts than `limit`: `next_cursor` alone says whether there are more.\n\n"
        "With `ids`, which exclude all other parameters but `min_version`: those of them that the read model knows, in "
        "the order asked for.",
        reply=AccountList,
        reply_headers=("Lag",),
        parameters=("Status", "CurrencyFilter", "ListLimit", "ListCursor", "Ids", "MinVersionOfIds", "CorrelationId"),
        problems=(*_READ_MODEL, problems.VERSION_NOT_REACHED),
    ),
    Operation(
        method="GET",
        path="/accounts/{account_id}",
        operation_id="getAccount",
        summary="Read an account, now or in the past",
        description="`version`, `at` and `min_version` exclude each other.",
        reply=Account,
        reply_headers=("ETag", "Settled"),
        not_modified=True,
        parameters=("AccountId", "Version", "At", "MinVersion", "IfNoneMatch", "IfMatch", "CorrelationId"),
        problems=(
            *ALWAYS,
            problems.ACCOUNT_NOT_FOUND,
            problems.VERSION_NOT_FOUND,
            problems.PRECONDITION_FAILED,
            problems.VERSION_NOT_REACHED,
            problems.STORE_UNAVAILABLE,
        ),
    ),
    Operation(
        method="POST",
        path="/accounts/{account_id}/credit",
        operation_id="creditAccount",
        summary="Pay money in",
        description="Returns the account after the credit.",
        command=CreditAccount,
        reply=Account,
        reply_headers=("ETag", "IdempotentReplayed"),
        parameters=_ON_ACCOUNT_PARAMETERS,
        problems=(*_ON_ACCOUNT, rule_broken(BalanceLimitExceededError)),
    ),
    Operation(
        method="POST",
        path="/accounts/{account_id}/withdraw",
        operation_id="withdrawFromAccount",
        summary="Take money out",
        description="The balance may fall to the overdraft limit below zero. Returns the account after the withdrawal.",
        command=WithdrawFromAccount,
        reply=Account,
        reply_headers=("ETag", "IdempotentReplayed"),
        parameters=_ON_ACCOUNT_PARAMETERS,
        problems=(*_ON_ACCOUNT, rule_broken(InsufficientFundsError)),
    ),
    Operation(
        method="POST",
        path="/accounts/{account_id}/close",
        operation_id="closeAccount",
        summary="Close an account for good",
        description="Only an account with a zero balance can be closed. The body may be left out.",
        command=CloseAccount,
        body_required=False,
        reply=Account,
        reply_headers=("ETag", "IdempotentReplayed"),
        parameters=_ON_ACCOUNT_PARAMETERS,
        problems=(*_ON_ACCOUNT, rule_broken(BalanceNotZeroError)),
    ),
    Operation(
        method="GET",
        path="/accounts/{account_id}/events",
        operation_id="getHistory",
        summary="Read the history, newest first",
        description="Every event of the account, page by page.",
        reply=History,
        parameters=("AccountId", "Limit", "Cursor", "CorrelationId"),
        problems=(*ALWAYS, problems.ACCOUNT_NOT_FOUND, problems.STORE_UNAVAILABLE),
    ),
    Operation(
        method="GET",
        path="/accounts/{account_id}/events/{version}/proof",
        operation_id="getProof",
        summary="Prove that an event stands in the transparency log",
        description="A `.tlog-proof` file (c2sp.org/tlog-proof): the hash of the event's row, its place in the log, "
        "and the path from there to the newest signed checkpoint. It is good for ever, offline, for whoever has the "
        "log's public key; asked for again, it leads to a newer checkpoint. An event is in the log once it is sealed, "
        "which is some time after it was booked. 404 is all that is answered of an event that is not there, whether or "
        "not its account exists.",
        reply=TLOG_PROOF,
        parameters=("AccountId", "EventVersion", "CorrelationId"),
        problems=(*ALWAYS, problems.EVENT_NOT_IN_LOG, problems.LOG_UNAVAILABLE),
    ),
    Operation(
        method="GET",
        path="/accounts/{account_id}/rows",
        operation_id="getRows",
        summary="Read the rows of an account as they are stored, for auditors",
        description="All that a row's hash is made of: the actor and the snapshots too, so this needs a policy of its "
        "own. A page may hold fewer rows than `limit`, since rows can be large: `next_before` alone says whether there "
        "are more.",
        reply=Rows,
        parameters=("AccountId", "Before", "Limit", "CorrelationId"),
        problems=(*ALWAYS, problems.ACCOUNT_NOT_FOUND, problems.STORE_UNAVAILABLE),
    ),
    Operation(
        method="POST",
        path="/transfers",
        operation_id="transfer",
        summary="Move money between two accounts",
        description="Both accounts change or neither does. They must be different, open and of one currency.",
        command=Transfer,
        status=201,
        reply=TransferResult,
        reply_headers=("IdempotentReplayed",),
        parameters=_COMMAND_PARAMETERS,
        problems=(
            *_COMMAND,
            problems.ACCOUNT_NOT_FOUND,
            rule_broken(AccountClosedError),
            rule_broken(InsufficientFundsError),
            rule_broken(BalanceLimitExceededError),
            rule_broken(CurrencyMismatchError),
            rule_broken(SameAccountError),
        ),
    ),
    Operation(
        method="GET",
        path="/totals",
        operation_id="getTotals",
        summary="Read what was booked on each day",
        description="Over all accounts of a currency, from a read model, which follows the ledger: `Daybook-Lag` says "
        "how far it was behind. A day's figures are those of the daily report. Today's grow, and an earlier day's can, "
        "too, while the read model is behind. The test currency XTS is counted nowhere.",
        reply=Totals,
        reply_headers=("Lag",),
        parameters=("From", "To", "Currency", "CorrelationId"),
        problems=_READ_MODEL,
    ),
)


def operation_of(command: type[AnyCommand]) -> Operation:
    """The operation that carries out a command synchronously. Raises ContractIncompleteError."""
    for operation in OPERATIONS:
        if operation.command is command:
            return operation
    where = "OPERATIONS in lambdas/contracts/operations.py"
    raise ContractIncompleteError(f"{command.__name__} has no operation: add one to {where}")
