"""When a commit is booked: at the attempt that wrote it, unless an earlier one may have."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.decider import Committed, Idempotency, Loaded, Outcome, Replayed
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from tests.support.clocks import SimulatedTime
from tests.support.dynamodb_tables import store_on
from tests.support.faults import MISHAPS, Effect, FaultyClient, Mishap, as_told
from tests.support.inbox import TableInbox, end_alone, stored
from tests.support.observed import observed_fake
from tests.support.recording import whole_history
from tests.support.tally import METADATA, OCCURRED_AT, TALLY, Added, Tally, TallyError

A, B = "stream-a", "stream-b"
REFUSALS = [each for each in MISHAPS if each.effect is Effect.NEVER and not each.in_doubt]
IN_DOUBT = [each for each in MISHAPS if each.in_doubt]
THROTTLED = REFUSALS[0]
TTL = 3600


def _booked(committed: Committed[Tally]) -> str:
    return committed.streams[0].recorded_at


def _succeed(committed: Committed[Tally]) -> Outcome:
    return Outcome("SUCCEEDED", {"booked": _booked(committed)})


@dataclass(frozen=True)
class Shape:
    """What a command is made of."""

    streams: tuple[str, ...]
    idempotency: Idempotency[Tally] | None = None
    stored: bool = False


KEYED: Idempotency[Tally] = Idempotency(A, "key", b"request", TTL, _booked, lambda error: f"rejected: {error}")
SHAPES = {
    "one row": Shape((A,)),
    "two streams": Shape((A, B)),
    "row and receipt": Shape((A,), idempotency=KEYED),
    "row and completion": Shape((A,), stored=True),
}


class Story:
    """One process and two empty streams; time passes only while a call is under way or somebody waits."""

    def __init__(self) -> None:
        self.time, self.observed = SimulatedTime(), observed_fake()
        self.fake = self.observed.client
        self.client = FaultyClient(self.fake, random.Random(0), self.time, schedule=as_told())
        backoff = Backoff(sleep=self.time.sleep, uniform=lambda low, high: high)
        self.store = store_on(self.client, self.observed.tables, backoff=backoff)
        self.repository = Repository(
            self.store, TALLY, clock=self.time.wall, backoff=backoff,
            new_deadline=lambda: Deadline(15, monotonic=self.time.monotonic),
        )  # fmt: skip
        TableInbox(self.fake, self.observed.tables.commands).submit(A, "command")

    def execute(self, shape: Shape, amount: int = 1) -> Committed[Tally] | Replayed:
        """One event to each stream; an amount below zero is rejected."""

        def decide(*states: Tally | None) -> tuple[list[Added], ...]:
            if amount < 0:
                raise TallyError("below zero")
            return tuple([Added(amount)] for _ in states)

        if shape.stored:
            return end_alone(self.repository, stored(A, decide, succeed=_succeed))
        return self.repository.execute(
            shape.streams, decide, metadata=METADATA, occurred_at=None, idempotency=shape.idempotency
        )

    def fail(self, *mishaps: Mishap | None) -> None:
        """What happens to the next calls that write."""
        self.client.attempts.clear()
        self.client.schedule = as_told(*mishaps)

    def writes(self) -> list[Any]:
        """The requests that were sent, without the queries."""
        return [each.request for each in self.client.attempts if each.operation != "query"]

    def command(self) -> dict[str, Any]:
        """The row of the stored command."""
        return self._kept(self.observed.tables.commands, {table.HASH_KEY: {"S": A}, table.RANGE_KEY: {"S": "command"}})

    def receipt(self) -> dict[str, Any]:
        """The receipt of the keyed command."""
        return self._kept(
            self.observed.tables.receipts,
            {schema.RECEIPT_TABLE_HASH_KEY: {"S": A}, schema.RECEIPT_TABLE_RANGE_KEY: {"S": "key"}},
        )

    def _kept(self, name: str, key: dict[str, Any]) -> dict[str, Any]:
        item = self.fake.tables[name].get(key)
        assert item is not None
        return {name: next(iter(value.values())) for name, value in item.items()}


@pytest.fixture
def story() -> Story:
    """Both streams are read, so that the next calls are writes."""
    story = Story()
    story.execute(Shape((A, B)))
    return story


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: each.name)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_was_refused_for_certain_is_stamped_anew(story: Story, shape: Shape, refusal: Mishap) -> None:
    """Row, hash, receipt, outcome, answer and cache all say the time of the last attempt; the commit id stays."""
    story.fail(refusal, refusal, refusal)
    began = story.time.monotonic()

    committed = story.execute(shape)

    assert isinstance(committed, Committed)
    stamped = format_timestamp(story.time.wall())
    assert story.time.monotonic() > began, "nothing was refused"
    assert {each.commit_id for each in story.client.attempts} == {committed.commit_id}
    for stream, loaded in zip(shape.streams, committed.streams, strict=True):
        first, row = whole_history(story.store, stream)
        occurred_at = OCCURRED_AT if shape.stored else stamped
        assert (row.recorded_at, row.occurred_at, loaded.recorded_at) == (stamped, occurred_at, stamped)
        assert row.hash == row_hash(row_hash(GENESIS, first), row) == loaded.hash
        assert story.repository.load(stream) == loaded
    if shape.idempotency is not None:
        kept = story.receipt()
        assert (kept["response"], kept[schema.RECEIPT_TABLE_TTL]) == (
            stamped,
            str(int(story.time.wall().timestamp()) + TTL),
        )
    if shape.stored:
        assert story.command()["booked"] == stamped


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_next_event_follows_what_was_stamped_anew(story: Story, shape: Shape) -> None:
    story.fail(*[THROTTLED] * 5)
    story.execute(shape)

    story.execute(Shape(shape.streams))

    for stream in shape.streams:
        previous = GENESIS
        for row in whole_history(story.store, stream):
            assert row.hash == (previous := row_hash(previous, row))


@pytest.mark.parametrize("doubt", IN_DOUBT, ids=lambda each: each.name)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_is_in_doubt_is_sent_again_as_it_is(story: Story, shape: Shape, doubt: Mishap) -> None:
    """Also when an attempt after it is refused for certain: the one in doubt may still arrive."""
    story.fail(THROTTLED, doubt, THROTTLED, THROTTLED)

    committed = story.execute(shape)

    first, second, *later = story.writes()
    assert first != second
    assert all(each == second for each in later)
    story.client.settle()
    assert isinstance(committed, Committed)
    for loaded in committed.streams:
        assert story.repository.load(loaded.stream_id) == loaded
        assert whole_history(story.store, loaded.stream_id)[-1].hash == loaded.hash


def test_a_rejection_is_remembered_from_the_last_attempt_on(story: Story) -> None:
    """The receipt's life begins when it is written."""
    story.fail(None, *[THROTTLED] * 4)

    with pytest.raises(TallyError):
        story.execute(SHAPES["row and receipt"], -1)

    expires = int(story.time.wall().timestamp()) + TTL
    assert story.receipt()[schema.RECEIPT_TABLE_TTL] == str(expires)


def test_a_commit_refused_for_nine_seconds_is_not_seen_at_a_moment_between(story: Story) -> None:
    """Whoever asks for a moment gets the same answer before and after the commit got through."""
    refusal = Mishap("slowly refused", Effect.NEVER, 2.9, THROTTLED.answer)
    seen: list[tuple[str, Loaded[Tally]]] = []

    def look() -> None:
        if (story.time.monotonic() > 0) and not seen[4:]:
            at = format_timestamp(story.time.wall())
            seen.append((at, Repository(store_on(story.fake, story.observed.tables), TALLY).load_at(A, at)))

    story.fail(refusal, refusal, refusal)
    story.client.meanwhile = look
    story.execute(Shape((A,)))
    story.client.meanwhile = lambda: None

    assert story.time.monotonic() > 8
    assert len(seen) >= 3
    for at, loaded in seen:
        assert loaded.version == 1
        assert story.repository.load_at(A, at) == loaded
