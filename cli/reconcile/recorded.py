"""Reads the key and booking time of every row of some booking days from the event table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

import msgspec

from cli.errors import UnavailableError
from cli.storage.table_scan import SEGMENTS, Page, scan
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp

Versions: TypeAlias = dict[tuple[date, str], set[int]]
"""Booking day and account to the versions booked then."""


class Window(msgspec.Struct, frozen=True):
    """Booking days, both included. Events recorded since `settled` (aware) may still be on their way to the lake."""

    from_day: date
    to_day: date
    settled: datetime


class Recorded(msgspec.Struct):
    """Rows that must have arrived in the lake (`versions`), and recent rows that may have.

    `odd` names the rows of any day whose version or booking time cannot be read.
    """

    versions: Versions = msgspec.field(default_factory=dict)
    recent: Versions = msgspec.field(default_factory=dict)
    odd: list[str] = msgspec.field(default_factory=list)
    rows: int = 0
    read_units: float = 0.0

    def add(self, item: Mapping[str, Any], window: Window) -> None:
        """Add a row to the group that it belongs to."""
        self.rows += 1
        stream_id, version = item[EVENT_TABLE_HASH_KEY]["S"], item[EVENT_TABLE_RANGE_KEY]["N"]
        try:
            number, moment = int(version), _moment(item["recorded_at"]["S"])
        except (ValueError, LookupError):
            self.odd.append(f"{stream_id}/{version}")
            return
        if window.from_day <= moment.date() <= window.to_day:
            found = self.versions if moment < window.settled else self.recent
            found.setdefault((moment.date(), stream_id), set()).add(number)

    def merge(self, other: Recorded) -> None:
        """Add the rows of another segment of the table."""
        for mine, its in ((self.versions, other.versions), (self.recent, other.recent)):
            for cell, versions in its.items():
                mine.setdefault(cell, set()).update(versions)
        self.odd += other.odd
        self.rows += other.rows
        self.read_units += other.read_units


def recorded_versions(
    client: Any,
    table: str,
    window: Window,
    *,
    segments: int = SEGMENTS,
    counted: Callable[[int], None] = lambda _: None,
) -> Recorded:
    """Scan the whole table; `counted` gets the number of rows of each page. Raises UnavailableError."""
    request = {
        "TableName": table,
        "ProjectionExpression": "#s, #v, #r",
        "ExpressionAttributeNames": {"#s": EVENT_TABLE_HASH_KEY, "#v": EVENT_TABLE_RANGE_KEY, "#r": "recorded_at"},
    }

    def read(pages: Iterator[Page]) -> Recorded:
        found = Recorded()
        for page in pages:
            found.read_units += page["ConsumedCapacity"]["CapacityUnits"]
            for item in page["Items"]:
                found.add(item, window)
            counted(len(page["Items"]))
        return found

    try:
        parts = scan(client, request, read, segments=segments)
    except FAILURES as error:
        raise UnavailableError(f"The event table cannot be scanned: {error}") from error
    found = Recorded()
    for part in parts:
        found.merge(part)
    found.odd.sort()
    return found


def _moment(recorded_at: str) -> datetime:
    """Raises ValueError for a text that is no stored timestamp."""
    moment = parse_timestamp(recorded_at)
    if format_timestamp(moment) != recorded_at:
        raise ValueError(f"not as timestamps are stored: {recorded_at}")
    return moment
