"""A table of a read model that misbehaves: nothing counts twice, and errors say what they mean."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.table_requests import MAX_ATTEMPTS
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.errors import (
    ControlChangedError,
    ControlError,
    ReadModelUnavailableError,
    RebuildRunningError,
    RowChangedError,
)
from lambdas.projections.read_model import AccountRow
from lambdas.projections.segments import Segment
from tests.support.account_rows import BOOKED, gate
from tests.support.clocks import SimulatedTime
from tests.support.fake_dynamodb import client_error
from tests.support.faults import MISHAPS, FaultyClient, Mishap, as_told, at_random
from tests.support.read_models import TablePorts, fake_ports
from tests.support.runs import seeds

A = "11111111-2222-4333-8444-555555555555"
DAY = "EUR#2026-03-01"
ADDED = {DAY: {"events": 1}}
WALKING = Control().started("first", segments=2, at=BOOKED)
SEEDS = seeds(check=20, test=200, soak=20_000)


def counted(version: int, rowhash: str = "") -> AccountRow[LastDay]:
    moved = gate(version)
    return AccountRow(A, replace(moved, rowhash=rowhash) if rowhash else moved, LastDay(BOOKED[:10]))


class Story:
    """An account at version 1, a rebuild that walks, and a client on which things go wrong as told."""

    def __init__(self, *mishaps: Mishap | None, seed: int = 0) -> None:
        self.calm = fake_ports(DAILY_TOTALS)
        self.calm.rows.save(1, AccountRow(A), counted(1), ADDED, Deadline())
        self.calm.control.change(Control(), WALKING)
        self.calm.segments.save(Segment(generation=1, number=0, rebuild="first"))
        self.calm.rows.defer(1, A, "first", Deadline())
        self.time = SimulatedTime()
        self.faulty = FaultyClient(self.calm.client, random.Random(seed), self.time, schedule=as_told(*mishaps))
        backoff = Backoff(sleep=self.time.sleep, uniform=lambda low, high: high)
        self.ports = self.calm.on(self.faulty, backoff=backoff, new_deadline=self.deadline)

    def deadline(self) -> Deadline:
        return Deadline(monotonic=self.time.monotonic)

    def total(self) -> int:
        return self.calm.rows.shared_rows(1, DAY, DAY).get(DAY, {}).get("events", 0)

    def version(self) -> int:
        return self.calm.rows.load(1, A, Deadline()).gate.version


def saves(story: Story) -> None:
    story.ports.rows.save(1, counted(1), counted(2), {}, story.deadline())


def saves_and_adds(story: Story) -> None:
    story.ports.rows.save(1, counted(1), counted(2), ADDED, story.deadline())


def defers(story: Story) -> None:
    assert story.ports.rows.defer(1, "another", "first", story.deadline())


def changes_the_control_row(story: Story) -> None:
    story.ports.control.change(WALKING, WALKING.settling("first"))


def saves_progress(story: Story) -> None:
    story.ports.segments.save(Segment(generation=1, number=1, rebuild="first", rows=7))


def loads(story: Story) -> None:
    assert story.ports.rows.load(1, A, story.deadline()) == counted(1)


def reads_rows(story: Story) -> None:
    assert story.ports.rows.rows(1, [A, "nobody"]) == {A: counted(1)}


def reads_shared_rows(story: Story) -> None:
    assert story.ports.rows.shared_rows(1, DAY, DAY) == ADDED


def undefers(story: Story) -> None:
    story.ports.rows.undefer(1, A)


def drops(story: Story) -> None:
    story.ports.segments.drop(1)


def outcome(story: Story) -> tuple[Any, ...]:
    calm = story.calm
    return (
        story.version(),
        story.total(),
        sorted(calm.rows.deferred(1)),
        calm.control.read(),
        calm.segments.all(1),
    )


WRITES = [saves, saves_and_adds, defers, changes_the_control_row, saves_progress, undefers, drops]
READS = [loads, reads_rows, reads_shared_rows]
Operation = Callable[[Story], None]


@pytest.mark.parametrize("operation", [*WRITES, *READS])
@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_after_a_mishap_everything_is_as_without(mishap: Mishap, operation: Operation) -> None:
    calm, story = Story(), Story(mishap)
    operation(calm)

    operation(story)
    story.faulty.settle()

    assert outcome(story) == outcome(calm)


@pytest.mark.parametrize("operation", [*WRITES, *READS])
def test_table_that_gives_no_answer(operation: Operation) -> None:
    lost = next(each for each in MISHAPS if each.name == "request lost")
    story = Story(*[lost] * 1000)
    began, before = story.time.monotonic(), outcome(story)

    with pytest.raises(ReadModelUnavailableError):
        operation(story)

    assert outcome(story) == before
    if operation is not reads_shared_rows:  # its threads share the simulated time
        assert story.time.monotonic() - began < 10


@pytest.mark.parametrize("operation", [*WRITES, *READS])
def test_throttles_without_end_are_borne_for_so_many_attempts(operation: Operation) -> None:
    throttled = next(each for each in MISHAPS if each.name == "throttled")
    story = Story(*[throttled] * 1000)

    with pytest.raises(ReadModelUnavailableError, match="8 attempts"):
        operation(story)

    if operation is not reads_shared_rows:
        assert len(story.faulty.attempts) == MAX_ATTEMPTS


@pytest.mark.parametrize("operation", [*WRITES, *READS])
def test_without_time_nothing_is_sent(operation: Operation) -> None:
    story = Story()
    story.deadline = lambda: Deadline(1, monotonic=story.time.monotonic)  # type: ignore[method-assign]
    story.ports = story.calm.on(story.faulty, new_deadline=story.deadline)

    with pytest.raises(ReadModelUnavailableError, match="No time"):
        operation(story)

    assert story.faulty.attempts == []


@pytest.mark.parametrize("operation", [*WRITES, *READS])
def test_wrong_call_is_not_repeated(operation: Operation) -> None:
    denied = Mishap("denied", MISHAPS[1].effect, 0.01, lambda name, _: client_error("AccessDeniedException", name))
    story = Story(*[denied] * 1000)

    with pytest.raises(ClientError, match="AccessDenied"):
        operation(story)

    if operation is not reads_shared_rows:
        assert len(story.faulty.attempts) == 1


@pytest.mark.parametrize("bare", range(20))
def test_failed_condition_without_its_item(bare: int) -> None:
    """Items are left out, or a conflict is told instead: then the row is looked at, or the request sent again."""
    story = Story(seed=bare)
    story.faulty.bare = 1.0

    for added in ({}, ADDED):
        with pytest.raises(RowChangedError) as changed:
            story.ports.rows.save(1, AccountRow(A), counted(3), added, story.deadline())
        assert changed.value.current == counted(1)
        story.ports.rows.save(1, AccountRow(A), counted(1), added, story.deadline())
    assert not story.ports.rows.defer(1, A, "second", story.deadline())
    with pytest.raises(ControlChangedError):
        story.ports.control.change(Control(), WALKING.settling("first"))
    story.ports.control.change(Control(), WALKING)
    with pytest.raises(RebuildRunningError) as running:
        story.ports.segments.save(Segment(generation=1, number=1, rebuild="second"))
    assert running.value.rebuild == "first"
    with pytest.raises(ControlError):
        story.ports.segments.save(Segment(generation=2, number=1, rebuild="first"))

    assert (story.version(), story.total()) == (1, 1)


def test_earlier_attempt_is_known_by_its_gate_also_after_others_have_gone_on() -> None:
    late = next(each for each in MISHAPS if each.name == "answer lost")
    story = Story(late)

    def goes_on() -> None:
        if story.version() == 2:
            story.calm.rows.save(1, counted(2), counted(3), ADDED, Deadline())

    story.faulty.meanwhile = goes_on

    with pytest.raises(RowChangedError) as changed:
        saves_and_adds(story)

    assert changed.value.current == counted(3)
    assert (story.version(), story.total()) == (3, 3)


@pytest.mark.generated
def test_seeded_runs_of_savers() -> None:
    """Repeat one run with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1."""
    for seed in SEEDS:
        versions, totals = _run(seed)
        assert versions == totals, seed


def _run(seed: int) -> tuple[int, int]:
    """Two projectors fold one account's events, one event at a time or two, in any order of their requests."""
    rng = random.Random(seed)
    story = Story(seed=seed)
    story.faulty.schedule = at_random(rng, 0.3)
    story.faulty.bare = 0.3
    known: list[AccountRow[LastDay]] = [counted(1), counted(1)]
    for _ in range(20):
        who = rng.randrange(2)
        step = rng.randrange(1, 3)
        after = counted(known[who].gate.version + step)
        try:
            story.ports.rows.save(1, known[who], after, {DAY: {"events": step}}, story.deadline())
            known[who] = after
        except RowChangedError as changed:
            known[who] = changed.current
        except ReadModelUnavailableError:
            known[who] = story.calm.rows.load(1, A, Deadline())
    story.faulty.settle()
    return story.version(), story.total()


class Throttled:
    """A client whose batches are never whole."""

    def __init__(self, ports: TablePorts, most: int) -> None:
        self.asked: list[Sequence[Any]] = []
        self._client = ports.client
        self._client.batch_most = most

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def told(**request: Any) -> Any:
            if name.startswith("batch_"):
                ((_, asked),) = request["RequestItems"].items()
                self.asked.append(asked["Keys"] if name == "batch_get_item" else asked)
            return call(**request)

        return told


def test_what_a_batch_leaves_is_asked_for_again() -> None:
    ports = fake_ports(DAILY_TOTALS)
    saved = [AccountRow(f"account-{number}", gate(1), LastDay("")) for number in range(7)]
    for each in saved:
        ports.rows.save(1, AccountRow(each.account_id), each, {}, Deadline())
    client = Throttled(ports, 3)
    pauses: list[float] = []
    slow = ports.on(client, backoff=Backoff(sleep=pauses.append, uniform=lambda low, high: high))

    assert slow.rows.rows(1, [each.account_id for each in saved]) == {each.account_id: each for each in saved}

    assert [len(asked) for asked in client.asked] == [7, 4, 1]
    assert pauses == [0.04, 0.08]


def test_what_a_batch_never_does_ends_with_the_time() -> None:
    ports = fake_ports(DAILY_TOTALS)
    time = SimulatedTime()
    backoff = Backoff(sleep=time.sleep, uniform=lambda low, high: high)
    client = Throttled(ports, 0)
    stuck = ports.on(client, backoff=backoff, new_deadline=lambda: Deadline(monotonic=time.monotonic))

    with pytest.raises(ReadModelUnavailableError):
        stuck.rows.rows(1, [A])

    assert time.monotonic() < 10
    assert len(client.asked) < 30


def test_pages_end_where_the_table_ends_them() -> None:
    """With one item a page: every Query is followed to its end."""
    ports = fake_ports(DAILY_TOTALS)
    ports.client._page_bytes = 1
    ports.control.change(Control(), WALKING)
    days = {f"EUR#{day}": {"events": day} for day in range(1, 8)}
    ports.rows.save(1, AccountRow(A), counted(1), days, Deadline())
    accounts = sorted(f"account-{number}" for number in range(5))
    for number, account_id in enumerate(accounts):
        ports.rows.defer(1, account_id, "first", Deadline())
        ports.segments.save(Segment(generation=1, number=number, rebuild="first"))
        ports.rows.save(1, AccountRow(account_id), AccountRow(account_id, gate(1, stopped="why")), {}, Deadline())

    assert ports.rows.shared_rows(1, "EUR#2", "EUR#6") == {f"EUR#{day}": {"events": day} for day in range(2, 7)}
    assert list(ports.rows.deferred(1)) == accounts
    assert [each.account_id for each in ports.rows.stopped(1)] == accounts
    assert [each.number for each in ports.segments.all(1)] == list(range(5))
    ports.segments.drop(1)
    assert list(ports.rows.deferred(1)) == []


def test_shards_are_read_several_at_once_and_not_all() -> None:
    """Each Query waits until eight are under way, and then a while for a ninth, which never comes."""
    ports = fake_ports(DAILY_TOTALS)
    eight, ninth = threading.Barrier(8, timeout=10), threading.Event()
    lock = threading.Lock()
    under_way: list[int] = []
    seen: list[int] = []

    class Counting:
        def query(self, **request: Any) -> Any:
            with lock:
                under_way.append(1)
                seen.append(len(under_way))
                if len(under_way) > 8:
                    ninth.set()
            eight.wait()
            ninth.wait(0.2)
            with lock:
                under_way.pop()
            return ports.client.query(**request)

        def __getattr__(self, name: str) -> Any:
            return getattr(ports.client, name)

    assert ports.on(Counting()).rows.shared_rows(1, "", "~") == {}

    assert (len(seen), max(seen)) == (16, 8)
