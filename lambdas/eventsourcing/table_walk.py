"""Walks the event table in segments: every row that was recorded before the walk began, a page at a time.

A walk is a parallel Scan, strongly consistent, and costs a read unit for 4 KB (see item_walk). A stream stands in one
segment; in which order rows come is not relied on anywhere.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.item_walk import PAGE_ROWS, DynamoDBItemWalk, ScanningClient
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow


class CorruptRow(Struct, frozen=True, gc=False):
    """A row that is not in the documented form, by its key. `hash` is Base64; it and `recorded_at` are empty if the row
    has none that can be read."""

    stream_id: str
    version: int
    reason: str
    recorded_at: str = ""
    hash: str = ""


WalkedRow: TypeAlias = EventRow | CorruptRow


class WalkedPage(Struct, frozen=True):
    """Some rows of a segment. `after` is where the next page begins; empty: this was the last one."""

    rows: list[WalkedRow]
    after: str
    read_units: float


class TableWalk(Protocol):
    """All rows of an event table, in segments. Safe to use from several threads."""

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """The next page of a segment (0 ≤ segment < segments), strongly consistent; `after` is empty at its beginning.

        Raises ReadUnavailableError.
        """
        ...


class DynamoDBTableWalk:
    """A TableWalk on an event table, by Scan; it needs `dynamodb:Scan`, and `kms:Decrypt` of the table's key."""

    def __init__(
        self,
        client: ScanningClient,
        *,
        event_table: str,
        page_rows: int = PAGE_ROWS,
        backoff: Backoff | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._items = DynamoDBItemWalk(
            client,
            table=event_table,
            consistent=True,
            page_rows=page_rows,
            backoff=backoff,
            max_attempts=max_attempts,
        )

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page: one Scan, retried when it fails for a transient reason."""
        page = self._items.page(segment, segments, after, deadline)
        return WalkedPage([walked_row(item) for item in page.items], page.after, page.read_units)


def pages(
    walk: TableWalk, segment: int, segments: int, *, after: str = "", new_deadline: Callable[[], Deadline] = Deadline
) -> Iterator[WalkedPage]:
    """All pages of a segment, each with a deadline of its own. Raises ReadUnavailableError."""
    while True:
        page = walk.page(segment, segments, after, new_deadline())
        yield page
        after = page.after
        if not after:
            return


def walked_row(item: Mapping[str, Mapping[str, Any]]) -> WalkedRow:
    """The row of an item of the event table, whatever stands there."""
    try:
        return item_to_row(item)
    except CorruptRowError as error:
        recorded_at, row_hash = item.get("recorded_at", {}), item.get("hash", {})
        return CorruptRow(
            str(item[schema.EVENT_TABLE_HASH_KEY]["S"]),
            error.version,
            error.reason,
            recorded_at=str(recorded_at.get("S", "")),
            hash=b64encode(bytes(row_hash["B"])).decode() if "B" in row_hash else "",
        )
