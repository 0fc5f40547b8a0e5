"""Whoever tries again waits first: longer each time, up to a bound, and not when there is nothing to wait for."""

from __future__ import annotations

import random
from functools import partial

import pytest

from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS, DynamoDBEventStore
from lambdas.eventsourcing.errors import ContentionError, NotAppliedError, ReadUnavailableError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import MAX_CONFLICTS, Repository
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.eventsourcing.store import EventStore
from tests.support.clocks import SimulatedTime, TickingClock
from tests.support.dynamodb_tables import store_on
from tests.support.faults import MISHAPS, FaultyClient, as_told
from tests.support.observed import observed_fake
from tests.support.stores import HalfVisibleStore, OvertakenStore, as_is
from tests.support.tally import TALLY, TallyRepository, add, amounts, repository, rows_of

STREAM = "stream"
LONGEST = [0.04, 0.08, 0.16, 0.32, 0.4, 0.4, 0.4, 0.4, 0.4]
"""Seconds after the first failure, the second, and so on: 20 ms · 2^n, at most 400 ms."""


class Pauses:
    """A backoff that takes its longest pauses, and notes them instead of waiting."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.backoff = Backoff(sleep=self.taken.append, uniform=lambda low, high: high)

    def repository(self, store: EventStore) -> TallyRepository:
        """A repository that waits so; its store does not."""
        return Repository(store, TALLY, clock=TickingClock(), backoff=self.backoff)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


# --- lost races


@pytest.mark.parametrize("lost", range(MAX_CONFLICTS))
def test_a_pause_for_each_lost_race_but_the_first(pauses: Pauses, lost: int) -> None:
    """The first is decided again at once, on the winner's row."""
    store = InMemoryEventStore()
    rival = partial(add, repository(store), STREAM, 1)
    rival()

    add(pauses.repository(OvertakenStore(store, [rival] * lost)), STREAM, 7)

    assert pauses.taken == pytest.approx(LONGEST[1:lost])


def test_no_pause_before_giving_up_a_race(pauses: Pauses) -> None:
    store = InMemoryEventStore()
    rival = partial(add, repository(store), STREAM, 1)
    rival()

    with pytest.raises(ContentionError):
        add(pauses.repository(OvertakenStore(store, [rival] * MAX_CONFLICTS)), STREAM, 7)

    assert pauses.taken == pytest.approx(LONGEST[1 : MAX_CONFLICTS - 1])


# --- holes


@pytest.mark.parametrize("holes", range(5))
def test_a_pause_for_each_hole_in_a_read(pauses: Pauses, holes: int) -> None:
    """So that the transaction that a read ran beside has time to become visible."""
    store = InMemoryEventStore()
    add(repository(store), STREAM, *amounts(5))

    loaded = pauses.repository(HalfVisibleStore(store, {3}, times=holes)).load(STREAM)

    assert loaded.version == 5
    assert pauses.taken == pytest.approx(LONGEST[:holes])


# --- calls of DynamoDB that fail

THROTTLED = next(mishap for mishap in MISHAPS if mishap.name == "throttled")
ONE_ROW = Commit("commit", tuple(rows_of(STREAM, amounts(1))))
TWO_ROWS = Commit("commit", tuple(rows_of(STREAM, amounts(2))))


def _throttled(times: int, pauses: Pauses) -> DynamoDBEventStore:
    observed = observed_fake()
    client = FaultyClient(observed.client, random.Random(0), SimulatedTime(), schedule=as_told(*[THROTTLED] * times))
    return store_on(client, observed.tables, backoff=pauses.backoff)


@pytest.mark.parametrize("failures", range(MAX_ATTEMPTS))
@pytest.mark.parametrize("commit", [ONE_ROW, TWO_ROWS], ids=["put", "transaction"])
def test_a_pause_before_each_repeated_write(pauses: Pauses, commit: Commit, failures: int) -> None:
    _throttled(failures, pauses).commit(as_is(commit), deadline=Deadline())

    assert pauses.taken == pytest.approx(LONGEST[:failures])


@pytest.mark.parametrize("failures", range(MAX_ATTEMPTS))
def test_a_pause_before_each_repeated_query(pauses: Pauses, failures: int) -> None:
    _throttled(failures, pauses).read(STREAM, deadline=Deadline())

    assert pauses.taken == pytest.approx(LONGEST[:failures])


def test_no_pause_before_giving_up_a_call(pauses: Pauses) -> None:
    with pytest.raises(ReadUnavailableError):
        _throttled(MAX_ATTEMPTS, pauses).read(STREAM, deadline=Deadline())
    with pytest.raises(NotAppliedError):
        _throttled(MAX_ATTEMPTS, pauses).commit(as_is(ONE_ROW), deadline=Deadline())

    assert pauses.taken == pytest.approx(LONGEST[: MAX_ATTEMPTS - 1] * 2)
