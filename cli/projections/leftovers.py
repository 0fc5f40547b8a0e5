"""Deletes the rows of all generations that the control row does not name.

A parallel Scan reads keys alone, strongly consistent, and BatchWriteItem deletes 25 rows at a time. A scan is charged
for the whole table, a deletion for each row's size. Source: Amazon DynamoDB Developer Guide, "Read consistency",
"Working with scans"; API Reference, BatchWriteItem (25 requests, UnprocessedItems).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from cli.errors import UnavailableError
from cli.projections.models import Model
from cli.storage.table_scan import Page, scan
from lambdas.eventsourcing.retry import Backoff
from lambdas.projections.control import Control
from lambdas.projections.dynamodb.table import HASH_KEY, RANGE_KEY, Key, generation_of

BATCH: Final = 25
ATTEMPTS: Final = 10
SEGMENTS: Final = 8


def has_leftovers(model: Model, control: Control) -> bool:
    """Whether there is a row to delete; the table is read up to the first one. Raises ClientError."""

    def look(pages: Iterator[Page]) -> None:
        if next(_leftovers(pages, control), None) is not None:
            raise _FoundError

    try:
        scan(model.dynamodb, _request(model), look, segments=SEGMENTS)
    except _FoundError:
        return True
    return False


class _FoundError(Exception):
    """Ends all segments."""


def delete_leftovers(
    model: Model, control: Control, deleted: Callable[[int], None], *, backoff: Backoff | None = None
) -> int:
    """The number of rows that were deleted; `deleted` gets that of each batch.

    A generation that began after `control` was read is left alone. Raises UnavailableError, ClientError.
    """
    pause = backoff or Backoff(base=0.1, cap=5.0)

    def empty(pages: Iterator[Page]) -> int:
        keys = _leftovers(pages, control)
        count = 0
        while batch := list(islice(keys, BATCH)):
            _delete(model, batch, pause)
            deleted(len(batch))
            count += len(batch)
        return count

    return sum(scan(model.dynamodb, _request(model), empty, segments=SEGMENTS))


def _request(model: Model) -> dict[str, Any]:
    return {
        "TableName": model.table,
        "ProjectionExpression": "#pk, #sk",
        "ExpressionAttributeNames": {"#pk": HASH_KEY, "#sk": RANGE_KEY},
        "ConsistentRead": True,
    }


def _leftovers(pages: Iterator[Page], control: Control) -> Iterator[Key]:
    return (item for page in pages for item in page["Items"] if is_leftover(item[HASH_KEY]["S"], control))


def is_leftover(hash_key: str, control: Control) -> bool:
    """Whether an item belongs to a generation that was dropped."""
    generation = generation_of(hash_key)
    return generation is not None and generation <= control.newest and generation not in control.generations


def _delete(model: Model, keys: Sequence[Key], backoff: Backoff) -> None:
    left: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
    for attempt in range(1, ATTEMPTS + 1):
        answer = model.dynamodb.batch_write_item(RequestItems={model.table: left}, ReturnConsumedCapacity="TOTAL")
        left = answer.get("UnprocessedItems", {}).get(model.table, [])
        if not left:
            return
        backoff.pause(attempt)
    raise UnavailableError(
        f"{model.table} does not take the deletions: it is throttled. Repeating the command goes on."
    )
