"""Lines that nobody can fold, on the way from Lambda's mapping to the read model or to the dead-letter bucket."""

from __future__ import annotations

import importlib
import json
import random
import sys
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.composition.projections import DeployedProjector
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.errors import CorruptItemError, ReadModelUnavailableError
from lambdas.projections.stream.consumer import StreamConsumer
from lambdas.projections.stream.projector import Projector
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id, chained, row
from tests.support.event_source_mapping import EXHAUSTED, EventSourceMapping, Record
from tests.support.folded_accounts import MemoryTables, RecordedEvents
from tests.support.function_variables import PROJECTION
from tests.support.kinesis_events import SHARD, kinesis_record, line, unreadable
from tests.support.lambda_context import Context
from tests.support.runs import seeds

MODULE = "lambdas.handlers.projector"
OPENED = '{"currency":"EUR","overdraft_limit":0}'
EVENTS = 4


def history(number: int) -> list[EventRow]:
    """The rows of an account: it is opened, and then credited."""
    stream_id = account_id(number)
    opened = row(1, stream_id=stream_id, kind="AccountCreated", data=OPENED)
    return chained([opened, *(row(version, stream_id=stream_id) for version in range(2, EVENTS + 1))])


class World:
    """The deployed function behind a mapping with bounded retries, bisection and a dead-letter bucket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, accounts: int) -> None:
        for name, value in PROJECTION.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, MODULE, raising=False)
        self.module = importlib.import_module(MODULE)
        self.histories = {account_id(number): history(number) for number in range(1, accounts + 1)}
        self.tables = MemoryTables()
        self.events = RecordedEvents([each for rows in self.histories.values() for each in rows])
        projector = Projector(ACCOUNT_SUMMARIES, self.tables.rows, self.tables.control, self.events)
        self.time = SimulatedTime()
        consumer = StreamConsumer(projector, self.tables.positions, clock=self.time.wall)
        monkeypatch.setattr(self.module, "_deployed", DeployedProjector(consumer, projector))
        self.dead: list[dict[str, Any]] = []
        self.mapping = EventSourceMapping(self.invoke, self.park, self.time, shard=SHARD)

    def invoke(self, records: list[Record]) -> None:
        self.module.handler({"Records": records}, Context())

    def park(self, key: str, content: bytes) -> None:
        document = json.loads(content)
        assert key.startswith("aws/lambda/")
        self.dead.append(document | {"payload": json.loads(document["payload"])})

    def records(self) -> list[list[bytes]]:
        """Two lines a record, account after account in turn."""
        return [
            [line(each) for each in rows[start : start + 2]]
            for start in range(0, EVENTS, 2)
            for rows in self.histories.values()
        ]

    def deliver(self, records: list[list[bytes]], first: int = 1) -> None:
        self.mapping.deliver([kinesis_record(lines, number) for number, lines in enumerate(records, first)])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch, 5)


def test_an_event_that_cannot_be_read_stops_its_account_in_one_invocation_and_nothing_is_a_dead_letter(
    world: World,
) -> None:
    records = world.records()
    poisoned, second = account_id(2), world.histories[account_id(2)][1]
    records[1][1] = unreadable(second)
    world.deliver(records)
    assert world.mapping.invocations == [len(records)]
    assert world.dead == []
    assert world.tables.gates() == {each: 1 if each == poisoned else EVENTS for each in world.histories}
    (stopped,) = world.tables.stopped(1)
    assert (stopped.account_id, stopped.gate.version) == (poisoned, 1)
    assert world.tables.positions.all()[SHARD].sequence_number == str(len(records))


@pytest.mark.parametrize("poison", [b"{", line(history(1)[0], subject="somebody"), b""], ids=["cut", "whose", "empty"])
def test_a_line_of_no_account_ends_in_the_bucket_after_bounded_retries_and_all_else_is_folded(
    world: World, poison: bytes
) -> None:
    records = world.records()
    records[6].insert(1, poison)
    world.deliver(records)
    assert world.tables.gates() == dict.fromkeys(world.histories, EVENTS)
    assert list(world.tables.stopped(1)) == []
    (dead,) = world.dead
    assert dead["requestContext"]["condition"] == EXHAUSTED
    assert dead["KinesisBatchInfo"]["startSequenceNumber"] == dead["KinesisBatchInfo"]["endSequenceNumber"] == "7"
    assert dead["payload"] == {"Records": [kinesis_record(records[6], 7)]}
    assert world.mapping.invocations.count(1) >= world.mapping.retries + 1
    assert len(world.mapping.invocations) < 20
    assert world.tables.positions.all()[SHARD].sequence_number == str(len(records))


def test_a_dead_letter_that_is_mended_can_be_given_to_the_function(world: World) -> None:
    """And does not make the read model seem to be behind: its position stays."""
    records = world.records()
    whole = records[-1]
    world.deliver([*records[:-1], [whole[0], b"{"]])
    (dead,) = world.dead
    newest = world.tables.positions.all()[SHARD].sequence_number
    dead["payload"]["Records"] = [kinesis_record(whole, len(records))]
    world.deliver([[]], first=50)
    world.invoke(dead["payload"]["Records"])
    assert world.tables.gates() == dict.fromkeys(world.histories, EVENTS)
    assert newest == str(len(records) - 1)
    assert world.tables.positions.all()[SHARD].sequence_number == "50"


def test_a_read_model_that_is_away_for_a_while_costs_retries_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, failures = world.tables.rows.save, iter([True] * 12)

    def away(*arguments: Any) -> None:
        if next(failures, False):
            raise ReadModelUnavailableError("throttled")
        save(*arguments)

    monkeypatch.setattr(world.tables.rows, "save", away)
    world.deliver(world.records())
    assert world.dead == []
    assert world.tables.gates() == dict.fromkeys(world.histories, EVENTS)


def test_a_row_that_cannot_be_read_holds_up_its_own_account_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that was rolled back has written it, say: a rebuild makes it anew."""
    load, corrupt = world.tables.rows.load, account_id(3)

    def unreadable_row(generation: int, asked: str, deadline: Deadline) -> Any:
        if asked == corrupt:
            raise CorruptItemError(f"{generation}#{asked}", "its gate is no JSON")
        return load(generation, asked, deadline)

    monkeypatch.setattr(world.tables.rows, "load", unreadable_row)
    world.deliver(world.records())
    assert world.tables.gates() == {each: EVENTS for each in world.histories if each != corrupt}
    dead = [each for dead in world.dead for each in dead["payload"]["Records"]]
    assert [each["kinesis"]["sequenceNumber"] for each in dead] == ["3", "8"]
    assert world.tables.positions.all()[SHARD].sequence_number == "10"


@pytest.mark.parametrize("seed", seeds(check=10, test=60, soak=3_000))
def test_whatever_comes_in_whatever_order_each_account_is_folded_as_far_as_it_can_be_read(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    world = World(monkeypatch, 6)
    world.mapping.batch_size = rng.choice([1, 3, 100])
    records = world.records() * 2
    rng.shuffle(records)
    poison = [b"{", b"\xff", b"null", line(history(1)[0], rowhash=None)]
    apart = [[rng.choice(poison)] for _ in range(rng.randint(0, 3))]
    ignored = [[line(history(1)[0], source="/elsewhere")] for _ in range(rng.randint(0, 3))]
    unread = {each: rng.randint(1, EVENTS) for each in rng.sample(sorted(world.histories), rng.randint(0, 3))}
    spoilt = {
        line(world.histories[each][at - 1]): unreadable(world.histories[each][at - 1]) for each, at in unread.items()
    }
    mixed = [[spoilt.get(each, each) for each in lines] for lines in records] + apart + ignored
    rng.shuffle(mixed)
    world.events.rows = [
        replace(each, type="BalanceGuessed") if unread.get(each.stream_id) == each.version else each
        for each in world.events.rows
    ]
    world.deliver(mixed)
    expected = {each: unread.get(each, EVENTS + 1) - 1 for each in world.histories}
    assert world.tables.gates() == expected, f"seed {seed}"
    assert {each.account_id for each in world.tables.stopped(1)} == set(unread)
    found = [each for dead in world.dead for each in dead["payload"]["Records"]]
    assert len(found) == len(apart)
