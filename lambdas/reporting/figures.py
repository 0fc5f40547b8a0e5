"""The figures of one booking day, read from the queries `daily_report`, `top_movers` and `reconciliation`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from lambdas.accounts.money import NO_CURRENCY, CurrencyCode
from lambdas.athena.queries import Row
from lambdas.reporting.errors import UnexpectedRowsError

REPORT_QUERY: Final = "daily_report"
MOVERS_QUERY: Final = "top_movers"
RECONCILIATION_QUERY: Final = "reconciliation"
DAYS_BEFORE: Final = 3
"""A missing event is found between an account's events of the day and of so many days before it."""

TOP: Final = 10
"""How many accounts of each currency are listed as top movers."""


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
    """A top mover: `moved` adds what went in and out, `net` is the change of the balance. Minor units."""

    day: date
    currency: CurrencyCode
    place: int
    account_id: str
    moved: int
    net: int
    events: int


class Counted(Struct, frozen=True):
    """How many events of a day are `missing` in the lake, found by gaps in the accounts' versions."""

    day: date
    missing: int


class DailyReport(Struct, frozen=True):
    """A booking day (UTC). `lines` are sorted by currency; every event names its currency.

    Of `missing` events only the version is known, so they have a line of XXX, ISO 4217's code for no currency.
    """

    day: date
    lines: tuple[CurrencyFigures, ...]
    movers: tuple[Mover, ...]
    missing: int = 0

    @property
    def currencies(self) -> tuple[CurrencyFigures, ...]:
        """The lines of currencies."""
        return tuple(line for line in self.lines if line.currency != NO_CURRENCY)

    def total(self, count: str) -> int:
        """A count over all currencies; amounts of several currencies have no total."""
        return sum(getattr(line, count) for line in self.lines)


_Figures = TypeVar("_Figures", CurrencyFigures, Mover, Counted)


def daily_report(day: date, totals: Iterable[Row], movers: Iterable[Row], counted: Iterable[Row]) -> DailyReport:
    """Read the rows of the three queries; their order does not matter. Raises UnexpectedRowsError."""
    found = sorted(_of_day(totals, CurrencyFigures, day, REPORT_QUERY), key=lambda each: each.currency)
    currencies = {each.currency for each in found}
    if len(currencies) != len(found):
        raise UnexpectedRowsError(f"query {REPORT_QUERY} returned more than one row for a currency.")
    ranked = sorted(_of_day(movers, Mover, day, MOVERS_QUERY), key=lambda each: (each.currency, each.place))
    missing = sum(each.missing for each in _read(counted, Counted, RECONCILIATION_QUERY) if each.day == day)
    if missing and NO_CURRENCY not in currencies:
        found = sorted([*found, _nothing(day)], key=lambda each: each.currency)
    return DailyReport(day, tuple(found), tuple(ranked), missing)


def _nothing(day: date) -> CurrencyFigures:
    """The line of no currency, in which nothing was booked."""
    counts = [name for name in CurrencyFigures.__struct_fields__ if name not in {"day", "currency"}]
    return CurrencyFigures(day=day, currency=NO_CURRENCY, **dict.fromkeys(counts, 0))


def _of_day(rows: Iterable[Row], kind: type[_Figures], day: date, query: str) -> list[_Figures]:
    found = _read(rows, kind, query)
    if any(each.day != day for each in found):
        raise UnexpectedRowsError(f"query {query} returned rows of another day than {day}.")
    return found


def _read(rows: Iterable[Row], kind: type[_Figures], query: str) -> list[_Figures]:
    try:
        return [msgspec.convert(row, kind, strict=False) for row in rows]
    except msgspec.ValidationError as error:
        raise UnexpectedRowsError(f"query {query} returned rows that do not fit the report: {error}") from error
