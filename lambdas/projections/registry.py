"""The projections of this release. A line here is all that a new one needs besides its module."""

from __future__ import annotations

from typing import Final

from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.errors import UnknownProjectionError
from lambdas.projections.projection import AnyProjection

PROJECTIONS: Final[tuple[AnyProjection, ...]] = (
    ACCOUNT_SUMMARIES,
    DAILY_TOTALS,
)


def projection(name: str) -> AnyProjection:
    """The projection of that name. Raises UnknownProjectionError."""
    for each in PROJECTIONS:
        if each.name == name:
            return each
    raise UnknownProjectionError(name)
