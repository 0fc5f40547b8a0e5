"""Finds when an event arrived in the stream of domain events.

An account's records are in the shard whose range holds the MD5 of the partition key; after a resharding that may be
more than one. A shard is read from shortly before the event was recorded, up to a number of pages. Sources: Amazon
Kinesis Data Streams developer guide, "Terminology and concepts" (partition key); API Reference, "GetShardIterator"
(AT_TIMESTAMP), "GetRecords" (five calls a second and shard, which all readers share).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any, Final, Protocol

import msgspec

from cli.errors import UnavailableError, plain
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import MAX_CLOCK_ERROR, utc_now

MOST_PAGES: Final = 25
"""Of a shard, up to 10,000 records or 10 MB each."""

PAUSE_SECONDS: Final = 0.25
"""Between pages, so that this reader takes less than its share."""


class Arrival(msgspec.Struct, frozen=True):
    """A record's arrival, as exact as Kinesis tells it: milliseconds, approximate."""

    time: datetime
    shard: str
    sequence_number: str


class NotInStreamError(Exception):
    """It was not found. The message says why."""


class Arrivals(Protocol):
    """What a trace needs of the stream."""

    def find(self, account_id: str, version: int, recorded: datetime, deadline: Deadline) -> Arrival:
        """When an event arrived that was recorded at that time. Raises NotInStreamError, UnavailableError."""


class _Place(msgspec.Struct):
    streamversion: int | None = None


_place = msgspec.json.Decoder(_Place)


class KinesisArrivals:
    """Looks into one stream."""

    def __init__(
        self,
        client: Any,
        stream: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._stream = stream
        self._clock = clock
        self._sleep = sleep

    def find(self, account_id: str, version: int, recorded: datetime, deadline: Deadline) -> Arrival:
        """See Arrivals."""
        try:
            self._check_age(recorded)
            for shard in self._shards(account_id):
                for record in self._records(shard, recorded - MAX_CLOCK_ERROR, deadline):
                    if record["PartitionKey"] == account_id and version in _versions(record["Data"]):
                        return Arrival(record["ApproximateArrivalTimestamp"], shard, record["SequenceNumber"])
        except FAILURES as error:
            raise UnavailableError(f"the stream {self._stream} cannot be read: {plain(error)}") from error
        raise NotInStreamError("it has not arrived: the publisher may lag, or has parked it")

    def _check_age(self, recorded: datetime) -> None:
        summary = self._client.describe_stream_summary(StreamName=self._stream)["StreamDescriptionSummary"]
        hours = int(summary["RetentionPeriodHours"])
        if recorded < self._clock() - timedelta(hours=hours):
            raise NotInStreamError(f"it is older than the stream's retention of {hours} hours")

    def _shards(self, account_id: str) -> list[str]:
        place = int(md5(account_id.encode(), usedforsecurity=False).hexdigest(), 16)
        pages = self._client.get_paginator("list_shards").paginate(StreamName=self._stream)
        return [
            shard["ShardId"]
            for page in pages
            for shard in page["Shards"]
            if int(shard["HashKeyRange"]["StartingHashKey"]) <= place <= int(shard["HashKeyRange"]["EndingHashKey"])
        ]

    def _records(self, shard: str, since: datetime, deadline: Deadline) -> Iterator[Mapping[str, Any]]:
        """The shard's records from a moment on, up to its newest. Raises NotInStreamError before its end is reached."""
        iterator = self._client.get_shard_iterator(
            StreamName=self._stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=since
        )["ShardIterator"]
        for page in range(MOST_PAGES):
            if page:
                self._sleep(PAUSE_SECONDS)
            answer = self._client.get_records(ShardIterator=iterator)
            yield from answer["Records"]
            iterator = answer.get("NextShardIterator")
            if iterator is None or answer.get("MillisBehindLatest", 0) == 0:
                return
            if not deadline.allows_attempt():
                raise NotInStreamError(f"the time was up while {shard} was read: try a longer --timeout")
        raise NotInStreamError(f"it is not in the first {MOST_PAGES} pages of {shard} after it was recorded")


def _versions(data: bytes) -> set[int | None]:
    """The versions of the events in a record, a line each. A line that is no document of ours has none."""
    versions = set()
    for line in data.splitlines():
        try:
            versions.add(_place.decode(line).streamversion)
        except msgspec.MsgspecError:
            continue
    return versions
