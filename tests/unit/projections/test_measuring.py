"""How far a read model is behind, measured on a stream that others read, too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.projections.control import Control
from lambdas.projections.errors import StreamUnavailableError
from lambdas.projections.lag import Lag, Position
from lambdas.projections.read_model import AccountRow, Gate
from lambdas.projections.stream.measuring import (
    FIRST_RECORDS,
    MOST_RECORDS,
    MOST_STOPPED,
    READ_BYTES,
    READS,
    LagMeter,
    measure_all,
)
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id
from tests.support.fake_dynamodb import client_error
from tests.support.folded_accounts import MemoryTables
from tests.support.read_stream import FakeStream

FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"
LINE = b'{"specversion":"1.0"}\n'


class World:
    """A stream, a read model, and a meter on a simulated clock."""

    def __init__(self, *shards: str) -> None:
        self.time = SimulatedTime()
        self.stream = FakeStream(self.time, shards or (FIRST,))
        self.tables = MemoryTables()
        self.meter = LagMeter(self.stream, "domain-events", clock=self.time.wall, sleep=self.time.sleep)

    def folded(self, number: int, shard: str = FIRST) -> None:
        self.tables.positions.save(
            Position(shard=shard, sequence_number=str(number), recordedtime="", folded_at="2026-03-01T12:00:00.000Z")
        )

    def measure(self, seconds: float = 60.0) -> Lag:
        lag = self.meter.measure(self.tables, Deadline(seconds, self.time.monotonic))
        assert lag is not None
        return lag


def position(number: str, shard: str = FIRST) -> Position:
    return Position(shard=shard, sequence_number=number, recordedtime="", folded_at="")


def test_nothing_waits() -> None:
    world = World()
    world.stream.put(LINE, 5, age=90)
    world.folded(5)
    lag = world.measure()
    assert (lag.events, lag.seconds, lag.more) == (0, 0.0, False)
    assert lag.measured_at == format_timestamp(world.time.wall())
    assert world.stream.calls == ["ListShards", "GetShardIterator", "GetRecords"]


def test_lines_beyond_the_position_count_and_the_oldest_says_since_when() -> None:
    world = World()
    for number, age in ((1, 300), (2, 42), (3, 20), (4, 7)):
        world.stream.put(LINE * number, number, age=age)
    world.stream.put(LINE[:-1], 5)
    world.folded(1)
    lag = world.measure()
    assert (lag.events, lag.more) == (2 + 3 + 4 + 1, False)
    assert lag.seconds == pytest.approx(42, abs=2)


def test_without_a_position_all_that_the_stream_holds_is_beyond() -> None:
    world = World()
    world.stream.put(LINE, 7, age=9)
    lag = world.measure()
    assert (lag.events, round(lag.seconds)) == (1, 9)


def test_a_position_that_the_stream_knows_no_more_is_none() -> None:
    """The stream has dropped what came after it, or is another one."""
    world = World()
    world.stream.put(LINE, 100, age=90)
    world.stream.put(LINE, 101, age=8)
    world.folded(3)
    lag = world.measure()
    assert (lag.events, lag.seconds // 10) == (2, 9)
    assert world.stream.calls.count("GetShardIterator") == 2


def test_all_shards_are_added_up_page_by_page() -> None:
    names = [f"shardId-{number:012}" for number in range(5)]
    world = World(*names)
    world.stream.page = 2
    for number, shard in enumerate(names):
        world.stream.put(LINE * (number + 1), 1, shard=shard, age=number)
    lag = world.measure()
    assert (lag.events, round(lag.seconds)) == (15, 4)
    assert world.stream.calls.count("ListShards") == 3


def test_a_closed_shard_ends_and_its_children_count() -> None:
    """After a resharding: the parent is read to its end, and the child has no position yet."""
    world = World(FIRST, SECOND)
    world.stream.shards[FIRST].closed = True
    world.stream.put(LINE, 1, age=50)
    world.stream.put(LINE, 2, age=40)
    world.stream.put(LINE, 3, shard=SECOND, age=30)
    world.folded(1)
    lag = world.measure()
    assert (lag.events, round(lag.seconds), lag.more) == (2, 40, False)
    world.folded(2)
    assert (world.measure().events, len(world.stream.shards[FIRST].reads)) == (1, 2)


@pytest.mark.parametrize("beyond", [0, 1, FIRST_RECORDS, FIRST_RECORDS + 1, FIRST_RECORDS + MOST_RECORDS])
def test_a_closed_shard_is_counted_once_also_where_its_end_is_that_of_a_read(beyond: int) -> None:
    world = World()
    world.stream.shards[FIRST].closed = True
    for number in range(1, beyond + 2):
        world.stream.put(LINE, number)
    world.folded(1)
    lag = world.measure()
    assert (lag.events, lag.more) == (beyond, False)
    assert world.stream.calls.count("GetShardIterator") == 1


def test_a_closed_shard_that_is_gone_since_it_was_listed_holds_nothing() -> None:
    world = World(FIRST, SECOND)
    world.stream.shards[FIRST].closed = world.stream.shards[FIRST].gone = True
    world.stream.put(LINE, 3, shard=SECOND)
    assert world.measure().events == 1
    world.stream.shards[SECOND].gone = True
    with pytest.raises(StreamUnavailableError, match=SECOND):
        world.measure()


def test_the_position_of_a_shard_that_is_not_listed_is_of_no_account() -> None:
    world = World()
    world.folded(9, "shardId-000000000009")
    assert world.measure().events == 0


@pytest.mark.parametrize("size", [600, 20_000, 1_000_000])
def test_it_is_polite(size: int) -> None:
    """However much waits: of a shard's five reads and 2 MB a second it takes a small share, and says it is bounded."""
    world = World(FIRST, SECOND)
    record = LINE + b" " * (size - len(LINE) - 1) + b"\n"
    for shard in (FIRST, SECOND):
        for number in range(6_000 if size < 10_000 else 600):
            world.stream.put(record, number + 1, shard=shard, age=1000 - number / 10)
    lag = world.measure()
    assert lag.more
    assert round(lag.seconds) in (1000, 1001, 1002, 1003, 1004, 1005)
    for read in world.stream.shards.values():
        times = [time for time, _, _ in read.reads]
        assert len(times) == READS
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(times))
        assert read.reads[0][1] == FIRST_RECORDS
        for _, records, size_read in read.reads[1:]:
            assert records <= MOST_RECORDS
            assert records == 1 or size_read <= READ_BYTES * 1.01
    given = [records for _, records, _ in world.stream.shards[FIRST].reads]
    assert lag.events == 2 * 2 * sum(given)


def test_a_backlog_within_its_bounds_is_counted_whole() -> None:
    world = World()
    for number in range(1, 2_501):
        world.stream.put(LINE, number, age=5)
    lag = world.measure()
    assert (lag.events, lag.more) == (2_500, False)


def test_it_reads_on_where_a_read_brings_nothing_and_more_is_there() -> None:
    """Kinesis may answer without records before the tip of a shard."""
    world = World()
    world.stream.put(LINE, 1)
    real, answers = world.stream.get_records, iter([True, False])

    def gap(**request: Any) -> dict[str, Any]:
        if next(answers, False):
            return {"Records": [], "NextShardIterator": request["ShardIterator"], "MillisBehindLatest": 5}
        return real(**request)

    world.stream.get_records = gap  # type: ignore[method-assign]
    assert (world.measure().events, world.measure().more) == (1, False)


def test_a_shard_that_is_throttled_is_read_a_second_later() -> None:
    world = World(FIRST, SECOND)
    world.stream.put(LINE, 1, shard=SECOND)
    throttled = iter([SECOND, SECOND])

    def fail(operation: str, shard: str) -> None:
        if operation == "GetRecords" and shard == SECOND and next(throttled, None):
            raise client_error("ProvisionedThroughputExceededException", "GetRecords")

    world.stream.fail = fail
    lag = world.measure()
    assert (lag.events, lag.more) == (1, False)
    assert 2.0 <= world.time.monotonic() < 3.0


def test_a_shard_that_fails_after_its_first_read_leaves_a_lower_bound() -> None:
    world = World()
    for number in range(1, 1_000):
        world.stream.put(LINE, number)

    def fail(operation: str, shard: str) -> None:
        if world.stream.shards[FIRST].reads:
            raise client_error("ProvisionedThroughputExceededException", operation)

    world.stream.fail = fail
    lag = world.measure()
    assert (lag.events, lag.more) == (FIRST_RECORDS, True)


@pytest.mark.parametrize("operation", ["ListShards", "GetShardIterator", "GetRecords"])
def test_what_cannot_be_read_is_no_measurement(operation: str) -> None:
    world = World(FIRST, SECOND)

    def fail(asked: str, shard: str) -> None:
        if asked == operation and shard in ("", SECOND):
            raise client_error("AccessDeniedException", asked)

    world.stream.fail = fail
    with pytest.raises(StreamUnavailableError, match="AccessDenied"):
        world.measure()


def test_it_ends_in_time() -> None:
    world = World(FIRST, SECOND)
    for number in range(1, 5_000):
        world.stream.put(LINE, number)
    lag = world.measure(5.0)
    assert lag.more
    assert world.time.monotonic() <= 5.0
    with pytest.raises(StreamUnavailableError, match="no time is left"):
        world.measure(3.0)


def test_stopped_accounts_of_the_live_generation_are_counted_up_to_a_bound() -> None:
    world = World()
    for number in range(MOST_STOPPED + 5):
        row: AccountRow[Any] = AccountRow(account_id(number), Gate(stopped="why" if number else ""))
        world.tables.table.accounts[1, row.account_id] = row
    world.tables.table.accounts[2, account_id(9)] = AccountRow(account_id(9), Gate(stopped="why"))
    assert world.measure().stopped == MOST_STOPPED


def test_no_lag_is_measured_while_no_generation_is_live() -> None:
    world = World()
    world.stream.put(LINE, 1)
    world.tables = MemoryTables(Control().started("one", segments=1, at="2026-03-01T12:00:00.000Z"))
    assert world.meter.measure(world.tables, Deadline(60, world.time.monotonic)) is None
    assert world.stream.calls == []


def test_a_projection_that_fails_hinders_no_other() -> None:
    world, broken, unbuilt = World(), MemoryTables(), MemoryTables(Control())
    world.stream.put(LINE, 1, age=3)

    def away() -> Any:
        raise client_error("AccessDeniedException", "Query")

    broken.positions.all = away  # type: ignore[method-assign]
    measured = list(measure_all(world.meter, {"one": broken, "two": world.tables, "three": unbuilt}, 60.0))
    assert [each.projection for each in measured] == ["one", "two", "three"]
    assert "AccessDenied" in measured[0].failure
    assert (measured[1].lag, measured[1].failure) == (world.tables.positions.lag(), "")
    assert measured[1].lag is not None
    assert measured[1].lag.events == 1
    assert (measured[2].lag, measured[2].failure, unbuilt.positions.lag()) == (None, "", None)
    assert broken.positions.lag() is None


class Service:
    """A stream of moto's Kinesis."""

    def __init__(self, client: Any) -> None:
        self.client = client
        client.create_stream(StreamName="domain-events", ShardCount=2)
        self.tables = MemoryTables()
        self.meter = LagMeter(client, "domain-events", sleep=lambda _: None)

    def put(self, data: bytes, key: str) -> tuple[str, str]:
        answer = self.client.put_record(StreamName="domain-events", Data=data, PartitionKey=key)
        return answer["ShardId"], answer["SequenceNumber"]

    def measure(self) -> Lag:
        lag = self.meter.measure(self.tables, Deadline(60))
        assert lag is not None
        return lag


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Service(boto3.client("kinesis", region_name="eu-central-1"))


def test_a_service_of_kinesis_takes_the_requests_and_its_answers_are_read(service: Service) -> None:
    newest: dict[str, list[str]] = {}
    for number in range(30):
        shard, sequence_number = service.put(LINE * 2, account_id(number))
        newest.setdefault(shard, []).append(sequence_number)
    assert len(newest) == 2
    assert (service.measure().events, service.measure().more) == (60, False)
    for shard, numbers in newest.items():
        service.tables.positions.save(position(numbers[-2], shard))
    lag = service.measure()
    assert (lag.events, lag.more) == (4, False)
    assert 0 <= lag.seconds < 60
    for shard, numbers in newest.items():
        service.tables.positions.save(position(numbers[-1], shard))
    assert (service.measure().events, service.measure().seconds) == (0, 0.0)


def test_a_service_that_was_resharded_is_measured_on(service: Service) -> None:
    numbers = [service.put(LINE, account_id(number)) for number in range(20)]
    folded = dict(numbers)
    for shard, sequence_number in folded.items():
        service.tables.positions.save(position(sequence_number, shard))
    service.client.update_shard_count(StreamName="domain-events", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    assert service.measure().events >= 0
    before = service.measure().events
    for number in range(10):
        service.put(LINE, account_id(number))
    assert service.measure().events == before + 10
    assert math.isfinite(service.measure().seconds)
