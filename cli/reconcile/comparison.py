"""Compares the event table with the lake, event by event and column by column, for each booking day.

A run of versions has one digest in the lake, which is compared with that of the same events made anew from their rows.
Only where that differs, or something is missing or unknown, the lake is asked for the single contents. What
the views count must be seen: all that arrived up to today is read, and what is booked on no day or several asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

import msgspec

from cli.reconcile.lake import (
    Ask,
    Contents,
    Id,
    Runs,
    booked_again,
    known_of,
    lake_contents,
    lake_runs,
    stray_rows,
)
from cli.reconcile.recorded import Cell, Known, Recorded, Window

LATE_DAYS: Final = 3
"""Up to so many days later a day's events are in time: what reports of it read."""


class Day(msgspec.Struct):
    """Counts of one booking day. `late` events are in the lake, in later partitions than reports of the day read."""

    day: date
    event_table: int = 0
    lake: int = 0
    missing: int = 0
    unknown: int = 0
    differs: int = 0
    late: int = 0


class Reconciliation(msgspec.Struct):
    """The finding. `missing` ids are not in the lake, `unknown` ones not in the table.

    `differs` are in both, with another content in the lake than their rows are published as; `odd` rows of
    the table have no day. `stray` rows of the lake have no full id of their own, or lie in a partition before their
    day.
    """

    odd: list[str]
    stray: list[str]
    rows_scanned: int
    read_units: float
    days: list[Day] = msgspec.field(default_factory=list)
    missing: list[str] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)
    differs: list[str] = msgspec.field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether both hold the same events."""
        return not (self.missing or self.unknown or self.differs or self.odd or self.stray)


def reconcile(scan: Callable[[Known], Recorded], ask: Ask, window: Window, *, today: date) -> Reconciliation:
    """Compare the lake with the event table. Raises QueryFailedError, and what `scan` raises.

    The lake is queried before the table is scanned, so every event of the lake must be in the table. What came in time
    is asked for after the rest, so that no event that arrives meanwhile seems late. Single contents are asked for only
    if something differs.
    """
    late_days = max(LATE_DAYS, (today - window.from_day).days + 1)
    ever = lake_runs(ask, window, late_days)
    in_time = lake_runs(ask, window, LATE_DAYS) if late_days > LATE_DAYS else ever
    again, stray = booked_again(ask, window), stray_rows(ask, window)
    recorded = scan(known_of(ever))
    cells = sorted({*recorded.events, *recorded.recent, *ever})
    days = [_AccountDay(cell, recorded, in_time, ever, again) for cell in cells]
    if any(each.doubtful for each in days):
        _resolve(days, lake_contents(ask, window, late_days), recorded)
    return _found(days, recorded, stray)


def _versions(runs: Runs, cell: Cell) -> set[int]:
    return {version for run in runs.get(cell, []) for version in run.versions}


class _AccountDay:
    """One account's day in the table and in the lake: which versions only one of both has, and which may differ."""

    def __init__(self, cell: Cell, recorded: Recorded, in_time: Runs, ever: Runs, again: set[Id]) -> None:
        self.day, self.account_id = cell
        self.table, recent = recorded.events.get(cell, {}), recorded.recent.get(cell, {})
        self._events = {**self.table, **recent}
        there = _versions(ever, cell)
        self.late = (self.table.keys() & there) - _versions(in_time, cell)
        self.differs = {version for version in self._events if (self.account_id, version) in again}
        self.missing = self.table.keys() - there - self.differs
        self.unknown = there - self._events.keys()
        self.lake = len(there - recent.keys())
        self.only_recent = not self.table and not there
        unlike = [run for run in ever.get(cell, []) if not run.holds(self._events)]
        self._suspect = {version for run in unlike for version in run.versions}

    @property
    def doubtful(self) -> bool:
        """Whether the single contents must be looked at."""
        return bool(self.missing or self.unknown or self._suspect)

    def resolve(self, contents: Contents, strangers: set[Id], elsewhere: set[Id], at_home: set[Id]) -> None:
        """Tell what differs from what is missing or unknown: another content under the same id differs.

        `strangers` are all ids on a day of the lake that is not theirs in the table. An event differs on its day in
        the table, if it is one of these days.
        """
        suspects = (
            self._suspect | self.missing | {each for each in self._events if (self.account_id, each) in strangers}
        )
        for version in suspects & self._events.keys():
            held = contents.get((self.account_id, version), set())
            if held and held != {self._events[version]}:
                self.differs.add(version)
        moved = {version for version in self.unknown if (self.account_id, version) in elsewhere}
        self.differs |= moved
        self.missing -= self.differs
        self.unknown -= moved | {version for version in self.unknown if (self.account_id, version) in at_home}


def _resolve(days: list[_AccountDay], contents: Contents, recorded: Recorded) -> None:
    strangers = {(each.account_id, version) for each in days for version in each.unknown}
    groups = (recorded.events, recorded.recent)
    at_home = {(cell[1], version) for group in groups for cell, events in group.items() for version in events}
    for each in days:
        each.resolve(contents, strangers, recorded.elsewhere, strangers & at_home)


def _found(compared: list[_AccountDay], recorded: Recorded, stray: list[str]) -> Reconciliation:
    found = Reconciliation(recorded.odd, stray, rows_scanned=recorded.rows, read_units=round(recorded.read_units, 1))
    days: dict[date, Day] = {}
    for each in compared:
        if each.only_recent and not each.differs:
            continue
        day = days.setdefault(each.day, Day(each.day))
        day.event_table += len(each.table)
        day.lake += each.lake
        day.late += len(each.late)
        for kind in ("missing", "unknown", "differs"):
            versions = sorted(getattr(each, kind))
            setattr(day, kind, getattr(day, kind) + len(versions))
            getattr(found, kind).extend(f"{each.account_id}/{version}" for version in versions)
    found.days = list(days.values())
    return found
