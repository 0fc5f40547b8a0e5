"""What an account is, since when, and where it is listed."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import reduce

import pytest

from lambdas.accounts.events import AccountClosed, AccountCreated, AccountEvent, BalanceCredited, BalanceWithdrawn
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES, AccountSummary, fold, place
from lambdas.projections.projection import Place
from tests.support.clocks import START
from tests.support.event_rows import account_id
from tests.support.projections.ledger import Ledger, event_at
from tests.support.projections.reference import summary
from tests.support.runs import seeds

ACCOUNT = account_id(1)
WHAT: tuple[AccountEvent, ...] = (
    AccountCreated(currency="JPY", overdraft_limit=30),
    BalanceCredited(currency="JPY", amount=70),
    BalanceWithdrawn(currency="JPY", amount=70),
    AccountClosed(currency="JPY"),
)
LIFE = [event_at(ACCOUNT, version, data, at=START + timedelta(hours=version)) for version, data in enumerate(WHAT, 1)]


def after(events: list[AccountDomainEvent]) -> AccountSummary | None:
    return reduce(lambda kept, event: fold(kept, event).kept, events, None)


def test_a_life() -> None:
    assert after(LIFE[:2]) == AccountSummary(
        status="open",
        currency="JPY",
        balance=70,
        overdraft_limit=30,
        opened_at="2026-03-01T13:00:00.000Z",
        last_activity_at="2026-03-01T14:00:00.000Z",
        events=2,
    )
    closed = after(LIFE)
    assert closed is not None
    assert (closed.status, closed.balance, closed.events) == ("closed", 0, 4)
    assert (closed.opened_at, closed.last_activity_at) == ("2026-03-01T13:00:00.000Z", "2026-03-01T16:00:00.000Z")


def test_nothing_is_shared() -> None:
    assert [fold(after(LIFE[:number]), LIFE[number]).additions for number in range(len(LIFE))] == [{}] * 4


def test_it_is_listed_by_status_and_currency() -> None:
    opened, closed = after(LIFE[:1]), after(LIFE)
    assert opened is not None
    assert closed is not None
    assert (place(opened), place(closed)) == (Place("open", "JPY"), Place("closed", "JPY"))
    assert ACCOUNT_SUMMARIES.groups == ("open", "closed")


@pytest.mark.generated
@pytest.mark.parametrize("seed", seeds(check=20, test=200, soak=10_000))
def test_any_history_comes_to_the_reference(seed: int) -> None:
    ledger = Ledger(random.Random(seed))
    history = [ledger.append(ACCOUNT) for _ in range(40)]
    for number in range(len(history) + 1):
        assert after(history[:number]) == summary(history[:number])[0]
