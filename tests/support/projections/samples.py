"""Projections for tests, each with its reference, and what may be wrong with an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.projection import Additions, AnyProjection, Folded, Projection
from tests.support.projections import reference
from tests.support.projections.reference import History, Reference, Totals


class PoisonError(Exception):
    """What a projection raises at an event that it cannot take."""


class Count(Struct, frozen=True):
    """What WIDE keeps."""

    events: int = 0


def shares(event: AccountDomainEvent) -> Additions:
    """One to three of seven rows, by the event's hash."""
    number = sum(event.rowhash.encode())
    return {f"row {(number + step) % 7}": {"events": 1, "weight": number} for step in range(1 + number % 3)}


def widely(kept: Count | None, event: AccountDomainEvent) -> Folded[Count]:
    """Count, and add to some rows."""
    return Folded(Count((kept or Count()).events + 1), shares(event))


WIDE = Projection(name="wide", summary="Some rows an event.", keeps=Count, fold=widely)


def wide_reference(history: History) -> tuple[Count | None, Totals]:
    """The same of a whole history."""
    totals: Totals = Counter()
    for event in history:
        for key, measures in shares(event).items():
            totals.update({(key, name): value for name, value in measures.items()})
    return Count(len(history)) if history else None, totals


class Sample(NamedTuple):
    """A projection, and what it must come to."""

    projection: AnyProjection
    reference: Reference


SAMPLES = (
    Sample(ACCOUNT_SUMMARIES, reference.summary),
    Sample(DAILY_TOTALS, reference.days),
    Sample(WIDE, wide_reference),
)


def poisoned_by(projection: AnyProjection, ids: Collection[str]) -> AnyProjection:
    """The projection of a release that cannot take some events."""

    def fold(kept: Any, event: AccountDomainEvent) -> Folded[Any]:
        if event.id in ids:
            raise PoisonError(event.id)
        return projection.fold(kept, event)

    return replace(projection, fold=fold)
