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
    AccountList,
    AccountSummary,
    CommandAccepted,
    CommandStatus,
    DayTotals,
    History,
    HistoryEntry,
    Problem,
    Row,
    Rows,
    Totals,
    TransferResult,
)
from lambdas.contracts.problems import INVALID_COMMAND, INVALID_REQUEST, PROCESSING_FAILED, ProblemType, rule_broken

COMMAND_ID: Final = "invoice-4711"
CORRELATION_ID: Final = "order-20260301-17"
NEXT_ACCOUNTS: Final = "WzEsIm9wZW4iLDcsIkVVUiMwYjhmMGExZS02YzFmLTRhOGUtOWQ1Ny0wZDNmNmY2ZjJmMTAiLCJvcGVuIiwiRVVSIl0"
"""A cursor of the list of open accounts in EUR: the page after this account, in the first generation."""
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
    Rows: Rows(
        rows=[
            Row(
                stream_id=ACCOUNT_ID,
                version=22,
                commit_id="9b2d5c1e-2f4a-4c0b-8a55-6f1d0e7c3b21",
                type=BalanceCredited.__name__,
                schema=1,
                data='{"amount":10000,"currency":"EUR","reference":"invoice 4711"}',
                metadata='{"command_id":"invoice-4711","correlation_id":"order-20260301-17","actor":"AROAEXAMPLE"}',
                occurred_at="2026-03-01T09:30:00.000Z",
                recorded_at=_RECORDED_AT,
                state=None,
                state_schema=None,
                hash="eF8+x+sy8wuQzQ/PNlfTiLX/Qpfy+XFv9m6bacBd3Qk=",
            )
        ],
        next_before=22,
    ),
    AccountList: AccountList(
        accounts=[
            AccountSummary(
                account_id=ACCOUNT_ID,
                status="open",
                currency="EUR",
                balance=6000,
                overdraft_limit=5000,
                version=22,
                opened_at="2026-01-02T08:00:00.125Z",
                last_activity_at=_RECORDED_AT,
                events=22,
            )
        ],
        next_cursor=NEXT_ACCOUNTS,
    ),
    Totals: Totals(
        first="2026-03-01",
        last="2026-03-31",
        currency="EUR",
        totals=[
            DayTotals(
                day="2026-03-01",
                events=7,
                active_accounts=3,
                opened=1,
                closed=0,
                credits=2,
                credited="12500",
                withdrawals=1,
                withdrawn="4000",
                transfers=1,
                transferred="1000",
                net="8500",
            )
        ],
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
