"""Parked stream records, sent once more: what the publisher put aside, and whole batches that its mapping gave up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import msgspec

from cli.environments.lake import plain
from cli.republish.republisher import Resender
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.inbox.parked_objects import ParkedObjectError, batch_records
from lambdas.publishing.stream_records import StreamRecord, read_batch

_RECORDS: Final = "Records"
_PAYLOAD: Final = "payload"

S3: TypeAlias = Any
"""boto3's low-level S3 client."""


class ParkingPlaceError(Exception):
    """The bucket does not answer. The message is a sentence."""


class Replayed(msgspec.Struct, frozen=True):
    """What became of one object: events sent, and why other records of it could not be."""

    key: str
    events: int
    problems: list[str]
    deleted: bool = False


class ParkingBucket:
    """The bucket of parked records. Every call raises ParkingPlaceError."""

    def __init__(self, client: S3, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keys(self, prefix: str) -> list[str]:
        """All keys below a prefix; within a folder those of shorter names first, so that version 9 is before 10."""
        with _asking():
            return sorted(self._listed(prefix), key=_place)

    def _listed(self, prefix: str) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", []))

    def read(self, key: str) -> bytes:
        """The content of an object."""
        with _asking():
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def delete(self, key: str) -> None:
        """Remove an object; the bucket keeps it as a replaced version for a while."""
        with _asking():
            self._client.delete_object(Bucket=self._bucket, Key=key)


def replay(bucket: ParkingBucket, prefix: str, resender: Resender, *, delete: bool = False) -> Iterator[Replayed]:
    """Send what each object below a prefix holds, one object after the other.

    With `delete` an object goes once everything in it was sent. Raises NotSentError, ParkingPlaceError.
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
    """The stream records in an object of either form. Raises ValueError for any other."""
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


def _place(key: str) -> tuple[str, int, str]:
    folder, _, name = key.rpartition("/")
    return folder, len(name), name


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise ParkingPlaceError(f"The parking bucket does not answer: {plain(error)}.") from error
