"""Compares the event table with the lake, event by event, for each booking day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Final

import msgspec

from analytics import catalog
from cli.reconcile.recorded import Recorded, Versions, Window
from cli.sql.session import Result

LATE_DAYS: Final = 3
"""Up to so many days later a day's events are in time: what reports of it read."""

Ask = Callable[[str], Result]


class Day(msgspec.Struct):
    """Counts of one booking day. `late` events are in the lake, in later partitions than reports of the day read."""

    day: date
    event_table: int = 0
    lake: int = 0
    missing: int = 0
    unknown: int = 0
    late: int = 0


class Reconciliation(msgspec.Struct):
    """The finding. `missing` ids are not in the lake, `unknown` ones not in the table, `odd` rows have no day."""

    odd: list[str]
    rows_scanned: int
    read_units: float
    days: list[Day] = msgspec.field(default_factory=list)
    missing: list[str] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether both hold the same events."""
        return not (self.missing or self.unknown or self.odd)


def reconcile(scan: Callable[[], Recorded], ask: Ask, window: Window, *, today: date) -> Reconciliation:
    """Compare the lake with the event table. Raises QueryFailedError, and what `scan` raises.

    The lake is queried before the table is scanned, so every event of the lake must be in the table. The lake's later
    partitions are read only if something is missing.
    """
    lake = lake_versions(ask, window, LATE_DAYS)
    recorded = scan()
    late: Versions = {}
    days_since = (today - window.from_day).days + 1
    if days_since > LATE_DAYS and any(versions - lake[cell] for cell, versions in recorded.versions.items()):
        late = lake_versions(ask, window, days_since)
    found = Reconciliation(odd=recorded.odd, rows_scanned=recorded.rows, read_units=round(recorded.read_units, 1))
    days: dict[date, Day] = {}
    for cell in sorted(recorded.versions.keys() | {each for each, there in lake.items() if there}):
        _compare(cell, recorded, lake[cell], late.get(cell, set()), days.setdefault(cell[0], Day(cell[0])), found)
    found.days = list(days.values())
    return found


def _compare(
    cell: tuple[date, str], recorded: Recorded, in_time: set[int], ever: set[int], day: Day, found: Reconciliation
) -> None:
    """Add one account's day to its counts and to the finding."""
    table, recent = recorded.versions.get(cell, set()), recorded.recent.get(cell, set())
    late = (table - in_time) & ever
    missing, unknown = table - in_time - late, in_time - table - recent
    day.event_table += len(table)
    day.lake += len(in_time - recent) + len(late)
    day.missing += len(missing)
    day.unknown += len(unknown)
    day.late += len(late)
    found.missing += [f"{cell[1]}/{version}" for version in sorted(missing)]
    found.unknown += [f"{cell[1]}/{version}" for version in sorted(unknown)]


def lake_versions(ask: Ask, window: Window, late_days: int) -> Versions:
    """The lake's versions that arrived up to `late_days` days after their booking day. Raises QueryFailedError."""
    values = {"from_day": window.from_day, "to_day": window.to_day, "late_days": late_days}
    found: Versions = defaultdict(set)
    for day, account_id, first, last in ask(catalog.query("recorded_versions").fill(values)).rows:
        found[day, account_id].update(range(first, last + 1))
    return found
