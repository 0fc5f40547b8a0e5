"""Reads beside a transaction under way: what is half visible is read again, and never taken for the truth."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.eventsourcing.decider import Decider
from lambdas.eventsourcing.errors import ChainBrokenError, InconsistentReadError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.reader import MAX_READS_ON_HOLE
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.verifier import PAGE_ROWS, ChainVerifier, Verified
from tests.support.clocks import TickingClock
from tests.support.stores import CountingStore, HalfVisibleStore, OvertakenStore
from tests.support.tally import (
    METADATA,
    NEWER,
    OCCURRED_AT,
    TALLY,
    Added,
    Tally,
    TallyRepository,
    add,
    amounts,
    fold,
    repository,
)

STREAM = "stream"
LENGTH = 25
EVENTS = amounts(LENGTH)
FOREVER = 1_000_000


def _store(length: int = LENGTH, interval: int = 10, domain: Decider[Tally, Added] = TALLY) -> InMemoryEventStore:
    """Written by NEWER, its snapshots are of no use to TALLY."""
    store = InMemoryEventStore()
    repo = repository(store, interval=interval, domain=domain)
    for start in range(0, length, 100):
        add(repo, STREAM, *amounts(length)[start : start + 100])
    return store


@pytest.mark.parametrize("hidden", [{22}, {24}, {22, 23, 24}, {21, 22}, {24, 22}])
def test_hole_between_the_snapshot_and_the_newest_row(hidden: set[int]) -> None:
    counting = CountingStore(HalfVisibleStore(_store(), hidden))

    loaded = repository(counting).load(STREAM)

    assert (loaded.version, loaded.state) == (LENGTH, fold(EVENTS))
    assert counting.reads == 2


def test_hidden_snapshot_row() -> None:
    loaded = repository(HalfVisibleStore(_store(22), {21})).load(STREAM)

    assert (loaded.version, loaded.state) == (22, fold(amounts(22)))


def test_newest_rows_not_visible_yet_are_not_missed() -> None:
    loaded = repository(HalfVisibleStore(_store(), {24, 25})).load(STREAM)

    assert (loaded.version, loaded.state) == (23, fold(EVENTS[:23])), "the commit was not there yet"


def test_hole_below_the_snapshot_does_not_matter() -> None:
    store = HalfVisibleStore(_store(), {17, 19, 20}, times=FOREVER)

    assert repository(store).load(STREAM).state == fold(EVENTS)


@pytest.mark.parametrize("hidden", [15, 16, 14, 17, 2, 1])
def test_hole_at_a_page_boundary(hidden: int) -> None:
    """Pages of 10 and 20 rows end at 16 and 1."""
    store = HalfVisibleStore(_store(domain=NEWER), {hidden})

    assert repository(store).load(STREAM).state == fold(EVENTS)


def test_hole_in_a_forward_fold() -> None:
    store = HalfVisibleStore(_store(1_400, domain=NEWER), {700}, times=3)

    assert repository(store).load(STREAM).state == fold(amounts(1_400))


@pytest.mark.parametrize("hidden", [{21}, {22}, {21, 22, 23}, {24}])
def test_hole_in_the_tail_after_a_remembered_version(hidden: set[int]) -> None:
    store = _store(20, interval=50)
    half_visible = HalfVisibleStore(store, hidden, times=0)
    remembering = repository(half_visible, interval=50)
    remembering.load(STREAM)
    add(repository(store, interval=50), STREAM, *EVENTS[20:])

    half_visible.times = 1
    decided_on: list[Tally | None] = []

    def do_nothing(state: Tally | None) -> list[list[Added]]:
        decided_on.append(state)
        return [[]]

    remembering.execute((STREAM,), do_nothing, metadata=METADATA, occurred_at=OCCURRED_AT)

    assert decided_on == [fold(EVENTS[:20]), fold(EVENTS)], "to do nothing takes a confirmed state"


def test_hole_in_history() -> None:
    repo = repository(HalfVisibleStore(_store(), {20}))

    assert [each.version for each in repo.history(STREAM, before=23, limit=5).events] == [22, 21, 20, 19, 18]


def test_hole_at_an_old_version() -> None:
    repo = repository(HalfVisibleStore(_store(), {15}))

    assert repo.load_version(STREAM, 18).state == fold(EVENTS[:18])


@pytest.mark.parametrize("hidden", range(1, LENGTH + 1))
def test_hole_met_by_time_travel(hidden: int) -> None:
    """Whichever row is missing once: the newest, one that the search meets, or one of the state's."""
    store = InMemoryEventStore()
    writer = repository(store)
    for event in EVENTS:
        add(writer, STREAM, event)
    at = writer.load_version(STREAM, 9).recorded_at

    loaded = repository(HalfVisibleStore(store, {hidden})).load_at(STREAM, at)

    assert (loaded.version, loaded.state) == (9, fold(EVENTS[:9]))


def test_hole_that_only_the_last_read_of_time_travel_meets() -> None:
    store = InMemoryEventStore()
    writer = repository(store)
    for event in EVENTS:
        add(writer, STREAM, event)
    counting = CountingStore(store)
    at = repository(counting).load_at(STREAM, writer.load_version(STREAM, 9).recorded_at).recorded_at
    half_visible = HalfVisibleStore(store, {9}, times=0)

    def hide() -> None:
        half_visible.times = 1

    last_read = OvertakenStore(half_visible, before_reads=[_nothing] * (counting.reads - 1) + [hide])

    assert repository(last_read).load_at(STREAM, at).version == 9


def _nothing() -> None:
    """Let a read pass."""


LOAD: Callable[[TallyRepository], object] = lambda repo: repo.load(STREAM)  # noqa: E731
LOAD_VERSION: Callable[[TallyRepository], object] = lambda repo: repo.load_version(STREAM, 24)  # noqa: E731
HISTORY: Callable[[TallyRepository], object] = lambda repo: repo.history(STREAM, limit=10)  # noqa: E731


@pytest.mark.parametrize("read", [LOAD, LOAD_VERSION, HISTORY], ids=["load", "load_version", "history"])
def test_hole_that_stays_is_an_error(read: Callable[[TallyRepository], object]) -> None:
    counting = CountingStore(HalfVisibleStore(_store(), {22}, times=FOREVER))

    with pytest.raises(InconsistentReadError) as caught:
        read(repository(counting))

    assert (caught.value.stream_id, caught.value.version) == (STREAM, 22)
    assert 2 <= counting.reads <= 10


def test_the_last_read_at_a_hole_is_followed_by_its_error_at_once() -> None:
    pauses: list[float] = []
    backoff = Backoff(sleep=pauses.append, uniform=lambda low, high: high)
    counting = CountingStore(HalfVisibleStore(_store(), {22}, times=FOREVER))

    with pytest.raises(InconsistentReadError) as caught:
        Repository(counting, TALLY, clock=TickingClock(), backoff=backoff).load(STREAM)

    assert (counting.reads, len(pauses)) == (MAX_READS_ON_HOLE, MAX_READS_ON_HOLE - 1)
    assert str(caught.value) == "stream stream has no row at version 22, in several reads in a row"


@pytest.mark.parametrize("hidden", [{1}, {1, 2}, {13}, {13, 14}, {1_000}, {1_001}, {1_000, 1_001}])
def test_hole_met_by_the_verifier(hidden: set[int]) -> None:
    """What is half visible is read again; what stays is a broken chain."""
    assert PAGE_ROWS == 1_000
    store = _store(1_002)
    pauses: list[float] = []

    def verify(half_visible: HalfVisibleStore) -> Verified:
        backoff = Backoff(sleep=pauses.append, uniform=lambda low, high: high)
        return ChainVerifier(half_visible, TALLY, backoff=backoff).verify(STREAM)

    for times in range(1, MAX_READS_ON_HOLE):
        assert verify(HalfVisibleStore(store, hidden, times=times)).version == 1_002
    assert len(pauses) <= sum(range(MAX_READS_ON_HOLE)), "no pause without a hole"
    with pytest.raises(ChainBrokenError) as broken:
        verify(HalfVisibleStore(store, hidden, times=FOREVER))
    assert broken.value.version == min(hidden)


@given(hidden=st.sets(st.integers(1, 40)), length=st.integers(1, 40), interval=st.integers(1, 15), newer=st.booleans())
def test_what_is_loaded_was_once_the_truth(hidden: set[int], length: int, interval: int, newer: bool) -> None:
    """Whatever the first page lacks, the state is that of some version, whole."""
    half_visible = HalfVisibleStore(_store(length, interval, NEWER if newer else TALLY), hidden)
    repo = repository(half_visible, interval=interval)

    loaded = repo.load(STREAM)

    assert loaded.state == fold(amounts(length)[: loaded.version])
    assert set(range(loaded.version + 1, length + 1)) <= hidden
