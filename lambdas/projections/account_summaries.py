"""One row an account: what it is now, and since when."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from lambdas.accounts.money import CurrencyCode
from lambdas.accounts.state import Account, evolve
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.projections.projection import Folded, Place, Projection


class AccountSummary(Struct, frozen=True, kw_only=True):
    """What is kept of an account. Amounts in minor units; times are booking times."""

    status: Literal["open", "closed"]
    currency: CurrencyCode
    balance: int
    overdraft_limit: int
    opened_at: str
    last_activity_at: str
    events: int


def fold(kept: AccountSummary | None, event: AccountDomainEvent) -> Folded[AccountSummary]:
    """The summary after one more event."""
    before = None if kept is None else Account(kept.status, kept.currency, kept.balance, kept.overdraft_limit)
    after = evolve(before, event.data)
    return Folded(
        AccountSummary(
            status=after.status,
            currency=after.currency,
            balance=after.balance,
            overdraft_limit=after.overdraft_limit,
            opened_at=event.recordedtime if kept is None else kept.opened_at,
            last_activity_at=event.recordedtime,
            events=1 if kept is None else kept.events + 1,
        )
    )


def place(kept: AccountSummary) -> Place:
    """Listed by status, and in it by currency."""
    return Place(kept.status, kept.currency)


ACCOUNT_SUMMARIES: Final = Projection(
    name="account_summaries",
    summary="One row an account: status, currency, balance, overdraft limit, version, opened, last activity, events.",
    keeps=AccountSummary,
    fold=fold,
    place=place,
    groups=("open", "closed"),
)
