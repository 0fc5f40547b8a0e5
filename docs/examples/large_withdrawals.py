"""Withdrawals of 10,000.00 and more, by booking day and currency, and the accounts that made them: the projection that
docs/projections.md shows. Its tests fold a history with it."""

from msgspec import Struct

from lambdas.accounts.events import BalanceWithdrawn
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.projections.projection import Folded, Place, Projection

LARGE = 1_000_000  # minor units


class Withdrawals(Struct, frozen=True):
    large: int = 0
    last_day: str = ""


def fold(kept: Withdrawals | None, event: AccountDomainEvent) -> Folded[Withdrawals]:
    kept = kept or Withdrawals()
    match event.data:
        case BalanceWithdrawn(amount=amount, currency=currency) if amount >= LARGE and currency != TEST_CURRENCY:
            day = event.recordedtime[:10]
            return Folded(Withdrawals(kept.large + 1, day), {f"{currency}#{day}": {"count": 1, "amount": amount}})
    return Folded(kept)


def place(kept: Withdrawals) -> Place:
    return Place("some" if kept.large else "none", kept.last_day)


LARGE_WITHDRAWALS = Projection(
    name="large_withdrawals", summary="Withdrawals of 10,000.00 and more by day and currency, and who made them.",
    keeps=Withdrawals, fold=fold, place=place, groups=("some", "none"),
)  # fmt: skip
