"""Sends the events of dead-letter (parked) records again: records that the publisher refused, and failed batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cli.republish.republisher import Resender
from cli.storage.parked import ParkingBucket
from lambdas.inbox.parked_objects import ParkedObjectError, batch_records
from lambdas.publishing.stream_records import StreamRecord, read_batch

_RECORDS: Final = "Records"
_PAYLOAD: Final = "payload"


class Replayed(msgspec.Struct, frozen=True):
    """The result of one object: how many events were sent, and why its other records were not."""

    key: str
    events: int
    problems: list[str]
    deleted: bool = False


def replay(bucket: ParkingBucket, prefix: str, resender: Resender, *, delete: bool = False) -> Iterator[Replayed]:
    """Send the events in each object below a prefix, one object after the other.

    With `delete`, an object is deleted when all its events were sent. Raises NotSentError, UnavailableError.
    """
    for key in bucket.keys(prefix):
        before = resender.sent
        problems = _send(bucket.read(key), resender)
        deleted = delete and not problems
        if deleted:
            bucket.delete(key)
        yield Replayed(key, resender.sent - before, problems, deleted)


def _send(body: bytes, resender: Resender) -> list[str]:
    try:
        batch = read_batch(records_of(body))
    except ValueError as error:
        return [str(error)]
    too_long = resender.send(batch.lines)
    return [
        *(f"{each.stream_id}/{each.version}: {each.reason}" for each in (*batch.unpublishable, *too_long)),
        *(f"{each.stream_id}/{each.version}: a {each.change} is never published" for each in batch.tamperings),
    ]


def records_of(body: bytes) -> list[StreamRecord]:
    """The stream records in a parked object of either form. Raises ValueError for any other."""
    try:
        event = msgspec.json.decode(body)
        if isinstance(event, dict) and _PAYLOAD in event:
            return batch_records(body)
        records: list[StreamRecord] = msgspec.convert(event[_RECORDS], list[dict[str, Any]])
    except ParkedObjectError as error:
        raise ValueError(f"it holds no stream records: {error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"it holds no stream records: {error!r}") from error
    return records
