"""What the projections must come to, told in another way than they do it: over a whole history at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from lambdas.accounts.events import AccountClosed, AccountCreated, BalanceCredited, TransferReceived
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.projections.account_summaries import AccountSummary
from lambdas.projections.daily_totals import LastDay

History: TypeAlias = Sequence[AccountDomainEvent]
Totals: TypeAlias = Counter[tuple[str, str]]
"""By key of the shared row and measure."""
Reference: TypeAlias = Callable[[History], tuple[Any, Totals]]
"""From a history to what is kept of the account, and what it adds to shared rows."""


def summary(history: History) -> tuple[AccountSummary | None, Totals]:
    """The account's summary; nothing is shared."""
    if not history:
        return None, Counter()
    opening = history[0].data
    assert isinstance(opening, AccountCreated)
    kept = AccountSummary(
        status="closed" if any(isinstance(each.data, AccountClosed) for each in history) else "open",
        currency=opening.currency,
        balance=sum(moved(each) for each in history),
        overdraft_limit=opening.overdraft_limit,
        opened_at=history[0].recordedtime,
        last_activity_at=history[-1].recordedtime,
        events=len(history),
    )
    return kept, Counter()


def days(history: History) -> tuple[LastDay | None, Totals]:
    """The account's last day, and its share of every day."""
    totals: Totals = Counter()
    if not history:
        return None, totals
    kept = LastDay(history[-1].recordedtime[:10])
    if history[0].data.currency == "XTS":
        return kept, totals
    for day in {each.recordedtime[:10] for each in history}:
        totals[f"{history[0].data.currency}#{day}", "active_accounts"] = 1
    names = {"AccountCreated": "opened", "AccountClosed": "closed", "BalanceCredited": "credits"}
    names |= {"BalanceWithdrawn": "withdrawals", "TransferSent": "transfers"}
    sums = {"BalanceCredited": "credited", "BalanceWithdrawn": "withdrawn", "TransferSent": "transferred"}
    for each in history:
        key, kind = f"{each.data.currency}#{each.recordedtime[:10]}", type(each.data).__name__
        totals[key, "events"] += 1
        totals[key, "net"] += moved(each)
        if kind in names:
            totals[key, names[kind]] += 1
        if kind in sums:
            totals[key, sums[kind]] += abs(moved(each))
    return kept, totals


def moved(event: AccountDomainEvent) -> int:
    """What an event adds to its account's balance."""
    sign = 1 if isinstance(event.data, BalanceCredited | TransferReceived) else -1
    return sign * int(getattr(event.data, "amount", 0))


def flat(shared: dict[str, dict[str, int]]) -> Totals:
    """Shared rows as `Totals`, without those that are 0."""
    return without_zeros({(key, name): value for key, row in shared.items() for name, value in row.items()})


def added(totals: Iterable[Totals]) -> Totals:
    """The sum, without those that are 0."""
    result: Totals = Counter()
    for each in totals:
        result.update(each)
    return without_zeros(result)


def without_zeros(totals: dict[tuple[str, str], int]) -> Totals:
    """Those that are not 0; they may be negative."""
    return Counter({key: value for key, value in totals.items() if value})
