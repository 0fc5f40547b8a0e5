"""Walks the event table in segments: every row that was recorded before the walk began, a page at a time.

A walk is a parallel Scan, strongly consistent, and costs a read unit for 4 KB. DynamoDB tells segments apart by the
hash of the partition key, so a stream stands in one of them; in which order rows come is not relied on anywhere. A
continuation is only good for the segment of which it came, among as many segments.

Source: Amazon DynamoDB Developer Guide, "Scanning tables" (parallel scan, read consistency, capacity consumption), and
API Reference, Scan (`LastEvaluatedKey` of a parallel scan goes with the same `Segment`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.errors import CorruptRowError, ReadUnavailableError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.transport import acknowledged

PAGE_ROWS: Final = 500
"""Of a page at most: what a walker has in memory, and what it does again after it was killed."""


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


class ScanningClient(Protocol):
    """The method of boto3's low-level client that is used here; it must not retry by itself (see DynamoDBClient)."""

    def scan(self, **kwargs: Any) -> Mapping[str, Any]: ...


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
        self._client = client
        self._event_table = event_table
        self._page_rows = page_rows
        self._backoff = backoff or Backoff()
        self._max_attempts = max_attempts

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page: one Scan, retried when it fails for a transient reason."""
        request = self._request(segment, segments, after)
        if not deadline.allows_attempt():
            raise ReadUnavailableError("no time is left to send the scan")
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = acknowledged(self._client.scan(**request))
            except FAILURES as error:
                if classify(error) is Fault.FATAL:
                    raise
                if attempt == self._max_attempts or not deadline.allows_attempt():
                    raise ReadUnavailableError(f"scan failed {attempt} times: {error}") from error
                self._backoff.pause(attempt)
            else:
                rows = [_row(item) for item in answer["Items"]]
                return WalkedPage(rows, _continuation(answer), answer["ConsumedCapacity"].get("CapacityUnits", 0.0))

    def _request(self, segment: int, segments: int, after: str) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._event_table,
            "Segment": segment,
            "TotalSegments": segments,
            "Limit": self._page_rows,
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
        }
        return {**request, "ExclusiveStartKey": msgspec.json.decode(after)} if after else request


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


def _continuation(answer: Mapping[str, Any]) -> str:
    """JSON text of the last key; both its attributes are text or numbers, and numbers are texts, too."""
    key = answer.get("LastEvaluatedKey")
    return msgspec.json.encode(key, order="deterministic").decode() if key else ""


def _row(item: Mapping[str, Mapping[str, Any]]) -> WalkedRow:
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
