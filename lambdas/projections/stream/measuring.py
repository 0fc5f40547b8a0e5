"""Measures how far a read model is behind: reads the stream of domain events beyond what its projector has folded.

It is polite, for it shares each shard's 5 reads and 2 MB a second with the consumers: at most one read of a shard a
second, and after a first glance at a few records each is meant to bring at most 512 KiB. After five reads the count is
a lower bound; how long the oldest event waits is known from the first.

Sources: Amazon Kinesis Data Streams Developer Guide, "Quotas and limits"; API Reference, GetRecords (a shard's read
rate; `Limit`; NextShardIterator is missing at the end of a closed shard), GetShardIterator and ListShards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final, Protocol

import msgspec

from lambdas.eventsourcing.dynamodb_faults import FAILURES, Failure, code_of
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.projections.control import ControlRow
from lambdas.projections.errors import ProjectionError, StreamUnavailableError
from lambdas.projections.lag import Lag, Position, Positions

READS: Final = 5
"""Of a shard, by one measurement."""

SECONDS_BETWEEN: Final = 1.0
"""Between two reads of a shard."""

FIRST_RECORDS: Final = 2
"""Of the first read: it shows whether anything waits, and no more than a shard gives out in a second if each record has
its largest size, 1 MiB."""

MOST_RECORDS: Final = 1_000
READ_BYTES: Final = 512 * 1024
"""Of each further read: so many records as make about so many bytes, by the size of those before."""

MOST_STOPPED: Final = 1_000
"""So many stopped accounts are counted: each costs a read of its row."""


class Kinesis(Protocol):
    """The methods of boto3's low-level Kinesis client that are used here."""

    def list_shards(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def get_shard_iterator(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def get_records(self, **kwargs: Any) -> Mapping[str, Any]: ...


class MeasuredTable(Protocol):
    """What is read of a projection's table."""

    @property
    def control(self) -> ControlRow: ...
    @property
    def positions(self) -> Positions: ...
    def stopped(self, generation: int) -> Iterable[Any]:
        """See ReadModel.stopped."""
        ...


class _Shard(msgspec.Struct):
    """One shard, while it is read beyond a position. `failure` is why it has not been read at all yet."""

    id: str
    closed: bool
    position: Position | None
    iterator: str = ""
    records: int = 0
    bytes: int = 0
    events: int = 0
    oldest: datetime | None = None
    done: bool = False
    failure: str = "no time is left"

    def take(self, answer: Mapping[str, Any]) -> None:
        """Count what a read has brought."""
        records = answer["Records"]
        full = len(records) >= self.limit
        if records and self.oldest is None:
            self.oldest = records[0]["ApproximateArrivalTimestamp"]
        self.records += len(records)
        self.bytes += sum(len(each["Data"]) for each in records)
        self.events += sum(_lines(each["Data"]) for each in records)
        self.iterator = answer.get("NextShardIterator") or ""
        self.done = not self.iterator or not (full or answer.get("MillisBehindLatest", 1))
        self.failure = ""

    @property
    def limit(self) -> int:
        """How many records the next read may bring."""
        if not self.records:
            return FIRST_RECORDS
        return min(MOST_RECORDS, max(1, READ_BYTES * self.records // max(self.bytes, 1)))


class LagMeter:
    """Measures read models that are fed by one stream. It writes nothing."""

    def __init__(
        self,
        client: Kinesis,
        stream: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._stream = stream
        self._clock = clock
        self._sleep = sleep

    def measure(self, table: MeasuredTable, deadline: Deadline) -> Lag | None:
        """How far the table's projector is behind. A read begins only if it ends until the deadline.

        None while no generation is live: nobody reads it, and the projector has nothing to fold into. What waits is
        what stands in the stream, be it a duplicate; it waits since it arrived there. Raises StreamUnavailableError if
        a shard could not be read, ReadModelUnavailableError.
        """
        live = table.control.read().live
        if not live:
            return None
        positions = table.positions.all()
        shards = self._read(positions, deadline)
        now = self._clock()
        oldest = min((each.oldest for each in shards if each.oldest), default=now)
        return Lag(
            events=sum(each.events for each in shards),
            seconds=max(0.0, (now - oldest).total_seconds()),
            measured_at=format_timestamp(now),
            more=not all(each.done for each in shards),
            stopped=sum(1 for _ in islice(table.stopped(live), MOST_STOPPED)),
        )

    def _read(self, positions: Mapping[str, Position], deadline: Deadline) -> list[_Shard]:
        """Read all shards beyond their positions, one after the other, until all or enough is read."""
        shards = self._shards(positions)
        for number in range(READS):
            for shard in shards:
                if not shard.done and deadline.allows_attempt():
                    self._read_once(shard)
            if all(each.done for each in shards) or not deadline.allows_attempt():
                break
            if number < READS - 1:
                self._sleep(SECONDS_BETWEEN)
        for shard in shards:
            if shard.failure:
                raise StreamUnavailableError(f"{shard.id}: {shard.failure}")
        return shards

    def _shards(self, positions: Mapping[str, Position]) -> list[_Shard]:
        request: dict[str, Any] = {"StreamName": self._stream}
        shards: list[_Shard] = []
        try:
            while request:
                answer = self._client.list_shards(**request)
                for each in answer["Shards"]:
                    closed = "EndingSequenceNumber" in each["SequenceNumberRange"]
                    shards.append(_Shard(each["ShardId"], closed, positions.get(each["ShardId"])))
                more = answer.get("NextToken")
                request = {"NextToken": more} if more else {}
        except FAILURES as error:
            raise StreamUnavailableError(str(error)) from error
        return shards

    def _read_once(self, shard: _Shard) -> None:
        """A read that fails is tried again in the next round: the shard's reads are its consumers' first of all."""
        try:
            shard.iterator = shard.iterator or self._iterator(shard)
            shard.take(self._client.get_records(ShardIterator=shard.iterator, Limit=shard.limit))
        except FAILURES as error:
            self._failed(shard, error)

    def _iterator(self, shard: _Shard) -> str:
        where: dict[str, Any] = {"StreamName": self._stream, "ShardId": shard.id}
        begin = self._client.get_shard_iterator
        if shard.position is not None:
            after = {"StartingSequenceNumber": shard.position.sequence_number}
            try:
                return str(begin(**where, ShardIteratorType="AFTER_SEQUENCE_NUMBER", **after)["ShardIterator"])
            except FAILURES as error:
                if code_of(error) != "InvalidArgumentException":
                    raise
        # No position, or one that the stream does not know any more: all that it holds is beyond.
        return str(begin(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])

    @staticmethod
    def _failed(shard: _Shard, error: Failure) -> None:
        if shard.closed and code_of(error) == "ResourceNotFoundException":
            shard.done, shard.failure = True, ""  # all of it is older than what the stream keeps
        elif shard.failure:
            shard.failure = str(error)


class Measured(msgspec.Struct, frozen=True):
    """The measurement of one projection. `failure` is why there is none; neither: no generation is live."""

    projection: str
    lag: Lag | None = None
    failure: str = ""


def measure_all(meter: LagMeter, tables: Mapping[str, MeasuredTable], seconds: float) -> Iterator[Measured]:
    """Measure projections one after the other, each in its share of the time, and save what was measured."""
    for name, table in tables.items():
        try:
            lag = meter.measure(table, Deadline(seconds / len(tables)))
            if lag is not None:
                table.positions.save_lag(lag)
        except (ProjectionError, *FAILURES) as error:
            yield Measured(name, failure=str(error))
        else:
            yield Measured(name, lag)


def _lines(data: bytes) -> int:
    """How many lines a record holds; the last one may lack its end."""
    return data.count(b"\n") + (not data.endswith(b"\n"))
