"""Walks any table in segments, a page of items at a time, by parallel Scan.

A Scan costs a read unit for 4 KB if it is consistent, else half of one. DynamoDB tells segments apart by the hash of
the partition key, so the items of a partition stand in one of them. A continuation is only good for the segment of
which it came, among as many segments.

Source: Amazon DynamoDB Developer Guide, "Scanning tables" (parallel scan, read consistency, capacity consumption), and
API Reference, Scan (`LastEvaluatedKey` of a parallel scan goes with the same `Segment`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify
from lambdas.eventsourcing.dynamodb_items import Item
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.transport import acknowledged

PAGE_ROWS: Final = 500
"""Of a page at most: what a walker has in memory, and what it does again after it was killed."""


class ItemPage(Struct, frozen=True):
    """Some items of a segment. `after` is where the next page begins; empty: this was the last one."""

    items: list[Item]
    after: str
    read_units: float


class ItemWalk(Protocol):
    """All items of a table, in segments. Safe to use from several threads."""

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> ItemPage:
        """The next page of a segment (0 ≤ segment < segments); `after` is empty at its beginning.

        Raises ReadUnavailableError.
        """
        ...


class ScanningClient(Protocol):
    """The method of boto3's low-level client that is used here; it must not retry by itself (see DynamoDBClient)."""

    def scan(self, **kwargs: Any) -> Mapping[str, Any]: ...


class DynamoDBItemWalk:
    """An ItemWalk by Scan; it needs `dynamodb:Scan`, and `kms:Decrypt` of the table's key."""

    def __init__(
        self,
        client: ScanningClient,
        *,
        table: str,
        consistent: bool,
        page_rows: int = PAGE_ROWS,
        backoff: Backoff | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._client = client
        self._table = table
        self._consistent = consistent
        self._page_rows = page_rows
        self._backoff = backoff or Backoff()
        self._max_attempts = max_attempts

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> ItemPage:
        """See ItemWalk.page: one Scan, retried when it fails for a transient reason."""
        request = self._request(segment, segments, after)
        answer = retried(lambda: self._client.scan(**request), "scan", deadline, self._backoff, self._max_attempts)
        units = answer["ConsumedCapacity"].get("CapacityUnits", 0.0)
        return ItemPage(list(answer["Items"]), _continuation(answer), units)

    def _request(self, segment: int, segments: int, after: str) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Segment": segment,
            "TotalSegments": segments,
            "Limit": self._page_rows,
            "ConsistentRead": self._consistent,
            "ReturnConsumedCapacity": "TOTAL",
        }
        return {**request, "ExclusiveStartKey": msgspec.json.decode(after)} if after else request


def retried(
    send: Callable[[], Mapping[str, Any]],
    what: str,
    deadline: Deadline,
    backoff: Backoff,
    max_attempts: int = MAX_ATTEMPTS,
) -> Mapping[str, Any]:
    """The answer to a read that asks for its capacity, sent again when it fails for a transient reason.

    Raises ReadUnavailableError, and the error of a request that is wrong.
    """
    if not deadline.allows_attempt():
        raise ReadUnavailableError(f"no time is left to send the {what}")
    attempt = 0
    while True:
        attempt += 1
        try:
            return acknowledged(send())
        except FAILURES as error:
            if classify(error) is Fault.FATAL:
                raise
            if attempt == max_attempts or not deadline.allows_attempt():
                raise ReadUnavailableError(f"{what} failed {attempt} times: {error}") from error
            backoff.pause(attempt)


def _continuation(answer: Mapping[str, Any]) -> str:
    """JSON text of the last key; both its attributes are text or numbers, and numbers are texts, too."""
    key = answer.get("LastEvaluatedKey")
    return msgspec.json.encode(key, order="deterministic").decode() if key else ""
