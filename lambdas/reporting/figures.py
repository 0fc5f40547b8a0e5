"""The figures of one booking day, as the queries `daily_report` and `top_movers` answer them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from lambdas.accounts.money import NO_CURRENCY, CurrencyCode
from lambdas.reporting.athena import Row
from lambdas.reporting.errors import UnexpectedRowsError

REPORT_QUERY: Final = "daily_report"
MOVERS_QUERY: Final = "top_movers"
TOP: Final = 10
"""So many accounts of each currency are named as top movers."""


class CurrencyFigures(Struct, frozen=True, kw_only=True):
    """One currency's day. Amounts are minor units; a transfer counts once, for its sender."""

    day: date
    currency: CurrencyCode
    events: int
    active_accounts: int
    opened: int
    closed: int
    credits: int
    credited: int
    withdrawals: int
    withdrawn: int
    transfers: int
    transferred: int
    net: int


class Mover(Struct, frozen=True, kw_only=True):
    """An account on which much moved, in and out together; `net` is what its balance changed by. Minor units."""

    day: date
    currency: CurrencyCode
    place: int
    account_id: str
    moved: int
    net: int
    events: int


class DailyReport(Struct, frozen=True):
    """A booking day (UTC). `lines` are sorted by currency; one of XXX holds the closings, which name no currency."""

    day: date
    lines: tuple[CurrencyFigures, ...]
    movers: tuple[Mover, ...]

    @property
    def currencies(self) -> tuple[CurrencyFigures, ...]:
        """The lines of real currencies."""
        return tuple(line for line in self.lines if line.currency != NO_CURRENCY)

    def total(self, count: str) -> int:
        """A count over all currencies; amounts of several currencies have no total."""
        return sum(getattr(line, count) for line in self.lines)


_Figures = TypeVar("_Figures", CurrencyFigures, Mover)


def daily_report(day: date, totals: Iterable[Row], movers: Iterable[Row]) -> DailyReport:
    """Read the rows of both queries; their order does not matter. Raises UnexpectedRowsError."""
    found = sorted(_read(totals, CurrencyFigures, day, REPORT_QUERY), key=lambda each: each.currency)
    if len({each.currency for each in found}) != len(found):
        raise UnexpectedRowsError(f"query {REPORT_QUERY} answers more than one row for a currency.")
    ranked = sorted(_read(movers, Mover, day, MOVERS_QUERY), key=lambda each: (each.currency, each.place))
    return DailyReport(day, tuple(found), tuple(ranked))


def _read(rows: Iterable[Row], kind: type[_Figures], day: date, query: str) -> list[_Figures]:
    try:
        found: list[_Figures] = [msgspec.convert(row, kind, strict=False) for row in rows]
    except msgspec.ValidationError as error:
        raise UnexpectedRowsError(f"query {query} answers other rows than a report is made of: {error}") from error
    if any(each.day != day for each in found):
        raise UnexpectedRowsError(f"query {query} answers rows of another day than {day}.")
    return found
