"""The examples of replies and problems in the OpenAPI document: instances of the classes, like those of commands."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambdas.accounts.commands import CreditAccount
from lambdas.accounts.errors import AccountClosedError
from lambdas.accounts.events import BalanceCredited
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.examples import ACCOUNT_ID, OTHER_ACCOUNT_ID, TRANSFER_ID, event_example
from lambdas.contracts.expectations import expectation
from lambdas.contracts.http import (
    Account,
    CommandAccepted,
    CommandStatus,
    History,
    HistoryEntry,
    Problem,
    TransferResult,
)
from lambdas.contracts.problems import INVALID_COMMAND, INVALID_REQUEST, PROCESSING_FAILED, ProblemType, rule_broken

COMMAND_ID: Final = "invoice-4711"
CORRELATION_ID: Final = "order-20260301-17"
_RECORDED_AT = "2026-03-01T09:30:00.250Z"

_ACCOUNT = Account(
    account_id=ACCOUNT_ID,
    status="open",
    currency="EUR",
    balance=6000,
    overdraft_limit=5000,
    version=22,
    updated_at=_RECORDED_AT,
)
_RECEIVER = msgspec.structs.replace(_ACCOUNT, account_id=OTHER_ACCOUNT_ID, balance=1000, version=2)

_EXAMPLES: Final[dict[type, msgspec.Struct]] = {
    Account: _ACCOUNT,
    TransferResult: TransferResult(transfer_id=TRANSFER_ID, sender=_ACCOUNT, receiver=_RECEIVER),
    History: History(
        events=[
            HistoryEntry(
                version=22,
                type=BalanceCredited.__name__,
                occurred_at="2026-03-01T09:30:00.000Z",
                recorded_at=_RECORDED_AT,
                data=event_example(BalanceCredited),
            )
        ],
        next_cursor="MjI",
    ),
    CommandAccepted: CommandAccepted(command_id=COMMAND_ID, account_id=ACCOUNT_ID, status="PENDING"),
}


def reply_example(shape: type[msgspec.Struct]) -> Any:
    """The example of a response body, as JSON values. Raises ContractIncompleteError."""
    if shape not in _EXAMPLES:
        file = "lambdas/contracts/reply_examples.py"
        raise ContractIncompleteError(f"{shape.__name__} has no example: add one to _EXAMPLES in {file}")
    return msgspec.to_builtins(_EXAMPLES[shape])


def status_examples() -> dict[str, Any]:
    """A CommandStatus of each status, by the status."""
    pending = CommandStatus(
        command_id=COMMAND_ID, account_id=ACCOUNT_ID, status="PENDING", submitted_at="2026-03-01T09:30:00.123Z"
    )
    ended = msgspec.structs.replace(pending, completed_at="2026-03-01T09:30:00.480Z")
    statuses = (
        pending,
        msgspec.structs.replace(ended, status="SUCCEEDED", version=22, balance=6000),
        msgspec.structs.replace(ended, status="REJECTED", problem=_problem(rule_broken(AccountClosedError))),
        msgspec.structs.replace(ended, status="FAILED", problem=_problem(PROCESSING_FAILED)),
    )
    return {each.status: msgspec.to_builtins(each) for each in statuses}


def problem_example(kind: ProblemType) -> Any:
    """The example of a problem of this type."""
    return msgspec.to_builtins(_problem(kind))


def _problem(kind: ProblemType) -> Problem:
    problem = Problem(type=kind.uri, title=kind.title, status=kind.status, correlation_id=CORRELATION_ID)
    if kind in {INVALID_REQUEST, INVALID_COMMAND}:
        return msgspec.structs.replace(
            problem, detail=f"amount: must be {expectation(CreditAccount, 'amount')}", field="amount"
        )
    return problem
