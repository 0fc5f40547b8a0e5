"""Makes every event of some booking days anew from its row in the event table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeAlias

import msgspec

from cli.errors import UnavailableError
from cli.storage.table_scan import SEGMENTS, Page, scan
from lambdas.contracts.contents import digest_of
from lambdas.contracts.domain_events import NotPublishableError, domain_event
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp

Cell: TypeAlias = tuple[date, str]
"""Booking day and account."""

Events: TypeAlias = dict[int, bytes | None]
"""Version to the digest of what its row is published as; None for a row that cannot be."""

Known: TypeAlias = Callable[[str, int], bool]
"""Whether the lake holds a version of an account on one of the days."""

ATTRIBUTES: Final = (
    EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY, "commit_id", "type", "schema", "data", "metadata", "occurred_at",
    "recorded_at", "hash",
)  # fmt: skip
"""A row without its snapshot, which is not published."""


class Window(msgspec.Struct, frozen=True):
    """Booking days, both included. Events recorded since `settled` (aware) may still be on their way to the lake."""

    from_day: date
    to_day: date
    settled: datetime


class Recorded(msgspec.Struct):
    """Rows that must have arrived in the lake (`events`), and recent rows that may have.

    `elsewhere` are rows of other days whose id the lake holds on one of these. `odd` names the rows of any day whose
    version or booking time cannot be read.
    """

    events: dict[Cell, Events] = msgspec.field(default_factory=dict)
    recent: dict[Cell, Events] = msgspec.field(default_factory=dict)
    elsewhere: set[tuple[str, int]] = msgspec.field(default_factory=set)
    odd: list[str] = msgspec.field(default_factory=list)
    rows: int = 0
    read_units: float = 0.0

    def add(self, item: Mapping[str, Any], window: Window, known: Known) -> None:
        """Add a row to the group that it belongs to."""
        self.rows += 1
        stream_id, version = item[EVENT_TABLE_HASH_KEY]["S"], item[EVENT_TABLE_RANGE_KEY]["N"]
        try:
            number, moment = int(version), _moment(item["recorded_at"]["S"])
        except (ValueError, LookupError):
            self.odd.append(f"{stream_id}/{version}")
            return
        if window.from_day <= moment.date() <= window.to_day:
            found = self.events if moment < window.settled else self.recent
            found.setdefault((moment.date(), stream_id), {})[number] = _published(item)
        elif known(stream_id, number):
            self.elsewhere.add((stream_id, number))

    def merge(self, other: Recorded) -> None:
        """Add the rows of another segment of the table."""
        for mine, its in ((self.events, other.events), (self.recent, other.recent)):
            for cell, events in its.items():
                mine.setdefault(cell, {}).update(events)
        self.elsewhere |= other.elsewhere
        self.odd += other.odd
        self.rows += other.rows
        self.read_units += other.read_units


def recorded_events(
    client: Any,
    table: str,
    window: Window,
    known: Known,
    *,
    segments: int = SEGMENTS,
    counted: Callable[[int], None] = lambda _: None,
) -> Recorded:
    """Scan the whole table; `counted` gets the number of rows of each page. Raises UnavailableError."""
    names = {f"#{place}": name for place, name in enumerate(ATTRIBUTES)}
    request = {
        "TableName": table,
        "ProjectionExpression": ", ".join(names),
        "ExpressionAttributeNames": names,
    }

    def read(pages: Iterator[Page]) -> Recorded:
        found = Recorded()
        for page in pages:
            found.read_units += page["ConsumedCapacity"]["CapacityUnits"]
            for item in page["Items"]:
                found.add(item, window, known)
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


def _published(item: Mapping[str, Any]) -> bytes | None:
    try:
        return digest_of(domain_event(item_to_row(item)))
    except (CorruptRowError, NotPublishableError):
        return None


def _moment(recorded_at: str) -> datetime:
    """Raises ValueError for a text that is no stored timestamp."""
    moment = parse_timestamp(recorded_at)
    if format_timestamp(moment) != recorded_at:
        raise ValueError(f"not as timestamps are stored: {recorded_at}")
    return moment
