"""The daily report's figures of each booking day and currency, added up over all accounts."""

from __future__ import annotations

from typing import Final, assert_never

from msgspec import Struct

from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.projections.projection import NOTHING, Folded, Measures, Projection

MEASURES: Final = (
    "events",
    "active_accounts",
    "opened",
    "closed",
    "credits",
    "credited",
    "withdrawals",
    "withdrawn",
    "transfers",
    "transferred",
    "net",
)
"""As in the query `daily_report`. Amounts in minor units; a transfer counts once, for its sender."""


class LastDay(Struct, frozen=True):
    """What is kept of an account: the newest booking day on which it was counted as active."""

    day: str = ""


def fold(kept: LastDay | None, event: AccountDomainEvent) -> Folded[LastDay]:
    """One event's share. Test accounts count nowhere, as in every report."""
    day, currency = event.recordedtime[:10], event.data.currency
    if currency == TEST_CURRENCY:
        return Folded(LastDay(day), NOTHING)
    first = kept is None or kept.day != day
    share = {"events": 1, **({"active_accounts": 1} if first else {}), **_moved(event)}
    return Folded(LastDay(day), {row_key(currency, day): share})


def row_key(currency: str, day: str) -> str:
    """The key of a shared row: all days of a currency stand together, in order."""
    return f"{currency}#{day}"


def _moved(event: AccountDomainEvent) -> Measures:
    match event.data:
        case AccountCreated():
            return {"opened": 1}
        case AccountClosed():
            return {"closed": 1}
        case BalanceCredited(amount=amount):
            return {"credits": 1, "credited": amount, "net": amount}
        case BalanceWithdrawn(amount=amount):
            return {"withdrawals": 1, "withdrawn": amount, "net": -amount}
        case TransferSent(amount=amount):
            return {"transfers": 1, "transferred": amount, "net": -amount}
        case TransferReceived(amount=amount):
            return {"net": amount}
        case _:
            assert_never(event.data)


DAILY_TOTALS: Final = Projection(
    name="daily_totals",
    summary="The daily report's figures of each booking day and currency.",
    keeps=LastDay,
    fold=fold,
)
