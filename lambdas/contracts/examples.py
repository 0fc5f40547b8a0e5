"""Examples for the OpenAPI document: instances of the classes, so that they cannot fall behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from lambdas.accounts.commands import (
    CloseAccount,
    CreditAccount,
    OpenAccount,
    Transfer,
    WithdrawFromAccount,
)
from lambdas.accounts.events import BalanceCredited
from lambdas.contracts.http import (
    Account,
    CommandAccepted,
    CommandStatus,
    History,
    HistoryEntry,
    Problem,
    TransferResult,
)
from lambdas.contracts.problems import INVALID_COMMAND, INVALID_REQUEST, PROCESSING_FAILED, RULES_BROKEN, ProblemType

ACCOUNT_ID: Final = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"
OTHER_ACCOUNT_ID: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TRANSFER_ID: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
COMMAND_ID: Final = "invoice-4711"
CORRELATION_ID: Final = "order-20260301-17"
_RECORDED_AT = "2026-03-01T09:30:00.250000Z"

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

_CLOSED = next(kind for kind in RULES_BROKEN if kind.code == "account-closed")

_EXAMPLES: Final[dict[type, msgspec.Struct]] = {
    OpenAccount: OpenAccount(currency="EUR", overdraft_limit=5000),
    CreditAccount: CreditAccount(amount=10000, reference="invoice 4711"),
    WithdrawFromAccount: WithdrawFromAccount(amount=1000),
    CloseAccount: CloseAccount(),
    Transfer: Transfer(from_account_id=ACCOUNT_ID, to_account_id=OTHER_ACCOUNT_ID, amount=1000, reference="rent"),
    Account: _ACCOUNT,
    TransferResult: TransferResult(transfer_id=TRANSFER_ID, sender=_ACCOUNT, receiver=_RECEIVER),
    History: History(
        events=[
            HistoryEntry(
                version=22,
                type="BalanceCredited",
                occurred_at="2026-03-01T09:30:00.000000Z",
                recorded_at=_RECORDED_AT,
                data=BalanceCredited(amount=10000, currency="EUR", reference="invoice 4711"),
            )
        ],
        next_cursor="MjI",
    ),
    CommandAccepted: CommandAccepted(command_id=COMMAND_ID, account_id=ACCOUNT_ID, status="PENDING"),
}


def example(shape: type) -> Any:
    """The example of a request or response body, as JSON values; commands without their optional tag."""
    document: dict[str, Any] = msgspec.to_builtins(_EXAMPLES[shape])
    if shape.__struct_config__.tag_field == "type":  # type: ignore[attr-defined]
        document.pop("type")
    return document


def command_examples(commands: Sequence[type]) -> dict[str, Any]:
    """An example of each command by its name, with its tag."""
    return {command.__name__: msgspec.to_builtins(_EXAMPLES[command]) for command in commands}


def status_examples() -> dict[str, Any]:
    """A CommandStatus of each status, by the status."""
    pending = CommandStatus(
        command_id=COMMAND_ID, account_id=ACCOUNT_ID, status="PENDING", submitted_at="2026-03-01T09:30:00.123000Z"
    )
    ended = msgspec.structs.replace(pending, completed_at="2026-03-01T09:30:00.480215Z")
    statuses = (
        pending,
        msgspec.structs.replace(ended, status="SUCCEEDED", version=22, balance=6000),
        msgspec.structs.replace(ended, status="REJECTED", problem=_problem(_CLOSED)),
        msgspec.structs.replace(ended, status="FAILED", problem=_problem(PROCESSING_FAILED)),
    )
    return {each.status: msgspec.to_builtins(each) for each in statuses}


def problem_example(kind: ProblemType) -> Any:
    """The example of a problem of this type."""
    return msgspec.to_builtins(_problem(kind))


def _problem(kind: ProblemType) -> Problem:
    problem = Problem(type=kind.uri, title=kind.title, status=kind.status, correlation_id=CORRELATION_ID)
    if kind in {INVALID_REQUEST, INVALID_COMMAND}:
        return msgspec.structs.replace(problem, detail="amount: Expected `int` >= 1", field="amount")
    return problem
