"""Real account statements, replayed through the commands: every printed running balance is met.

The data stands beside the repository and is not part of it: see DAYBOOK_STATEMENTS.
"""

from __future__ import annotations

import csv
import os
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from lambdas.accounts.commands import AccountCommand, CreditAccount, OpenAccount, WithdrawFromAccount
from lambdas.accounts.money import MINOR_UNITS
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.backends import NewBackend, backends, names
from tests.support.bank import new_bank
from tests.support.clocks import TickingClock

CURRENCY: Final = "CZK"
STATEMENTS = Path(
    os.environ.get("DAYBOOK_STATEMENTS", Path(__file__).resolve().parents[3] / "shared" / "data" / "statements.csv")
)
LINES_ELSEWHERE = 250
"""So many are replayed on moto and on an endpoint; all of them in memory and on the fake."""
CONTEXT = CommandContext("statement", "statement", "importer")


class Line(NamedTuple):
    """A line of a statement; amounts in minor units."""

    account_id: str
    command: AccountCommand
    balance: int


def _lines() -> Iterator[Line]:
    with STATEMENTS.open(newline="") as file:
        for row in csv.DictReader(file):
            occurred_at = f"{date.fromisoformat(row['date'])}T00:00:00Z"
            account_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"statement:{row['account']}"))
            command = _command(row["type"], _minor_units(row["amount"]), occurred_at)
            yield Line(account_id, command, _minor_units(row["balance"]))


def _command(kind: str, amount: int, occurred_at: str) -> AccountCommand:
    if kind == "credit":
        return CreditAccount(amount=amount, occurred_at=occurred_at)
    assert kind == "withdraw"
    return WithdrawFromAccount(amount=amount, occurred_at=occurred_at)


def _minor_units(amount: str) -> int:
    """Exact: a printed amount has no more decimals than the currency."""
    units = Decimal(amount).scaleb(MINOR_UNITS[CURRENCY])
    assert units == int(units)
    return int(units)


def _replay(bank: AccountService, lines: list[Line]) -> dict[str, int]:
    """Gives the newest printed balance of each account."""
    balances: dict[str, int] = {}
    for line in lines:
        if line.account_id not in balances:
            bank.execute(OpenAccount(currency=CURRENCY, occurred_at=line.command.occurred_at), line.account_id, CONTEXT)
        balances[line.account_id] = _balance(bank.execute(line.command, line.account_id, CONTEXT))
        assert balances[line.account_id] == line.balance
    return balances


def _balance(outcome: object) -> int:
    assert isinstance(outcome, Committed)
    state = outcome.streams[0].state
    assert isinstance(state, Account)
    return state.balance


@pytest.mark.skipif(not STATEMENTS.exists(), reason=f"there are no statements at {STATEMENTS}")
@pytest.mark.parametrize("name", names())
def test_every_printed_balance_is_met(name: str) -> None:
    lines = list(_lines())
    assert len(lines) > 1000
    with backends(name) as new_backend:
        _check(new_backend, lines if name in {"memory", "fake"} else lines[:LINES_ELSEWHERE])


def _check(new_backend: NewBackend, lines: list[Line]) -> None:
    store: EventStore = new_backend().store
    clock = TickingClock()

    balances = _replay(new_bank(store, clock), lines)

    afresh, verifier = new_bank(store, clock), ChainVerifier(store, ACCOUNT_DECIDER)
    events = 0
    for account_id, balance in balances.items():
        account = afresh.account(account_id)
        assert account.state is not None
        assert account.state.balance == balance
        assert verifier.verify(account_id).version == account.version
        events += account.version
    assert events == len(lines) + len(balances)
