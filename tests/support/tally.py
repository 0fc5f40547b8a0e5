"""A domain for tests of the store, as small as one can be, and repositories of it.

A tally adds numbers. Its `trace` depends on every amount and on their order, so a fold that misses, repeats or swaps
an event is seen; its `note` is the newest event's, so rows and snapshots can be made as large as a test wants.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from lambdas.eventsourcing.codec import Codec
from lambdas.eventsourcing.decider import Committed, Decider, Loaded
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.eventsourcing.schemas import EventType, StateType
from lambdas.eventsourcing.store import EventStore
from tests.support.backends import NO_WAITING
from tests.support.clocks import TickingClock
from tests.support.recording import whole_history

OCCURRED_AT = "2026-02-28T10:00:00.000Z"
METADATA = Metadata("command", "correlation", "actor")
COMMIT_EVENTS = 100
LONG_ENOUGH_SECONDS = 600.0


class Added(msgspec.Struct, frozen=True):
    """A number was added."""

    amount: int
    note: str = ""


class Tally(msgspec.Struct, frozen=True):
    """The sum of the amounts, their number and order, and the newest note."""

    total: int
    count: int
    trace: int
    note: str = ""


class TallyError(Exception):
    """The rule of tallies: no."""


TallyRepository = Repository[Tally, Added]

Others = Callable[[int], object]
"""Others add a number to the test's stream."""


def evolve(state: Tally | None, event: Added) -> Tally:
    """The state after one more event."""
    before = state or Tally(0, 0, 0)
    trace = (before.trace * 1_000_003 + event.amount) % (1 << 61)
    return Tally(before.total + event.amount, before.count + 1, trace, event.note)


def fold(events: Sequence[Added]) -> Tally | None:
    """The state after `events`; the reference that no store is involved in."""
    state: Tally | None = None
    return functools.reduce(evolve, events, state)


def as_it_is(fields: dict[str, Any]) -> dict[str, Any]:
    """From one schema to another one with the same fields."""
    return fields


def decider(
    *, event: EventType | None = None, state: StateType | None = None, writes: Mapping[str, int] | None = None
) -> Decider[Tally, Added]:
    """The domain at some point of its evolution."""
    codec: Codec[Tally, Added] = Codec([event or EventType(Added)], state or StateType(Tally), writes=writes)
    return Decider(evolve=evolve, codec=codec, rejection=TallyError)


TALLY = decider()
NEWER = decider(state=StateType(Tally, 2, {1: as_it_is}, {2: as_it_is}))
"""A later release: it writes states of a schema that TALLY does not know."""


def repository(
    store: EventStore,
    *,
    domain: Decider[Tally, Added] = TALLY,
    clock: Callable[[], datetime] | None = None,
    interval: int = 10,
    **options: Any,
) -> TallyRepository:
    """A repository with a cache of its own that waits for nothing, and has time enough on a slow machine."""
    options.setdefault("new_deadline", lambda: Deadline(LONG_ENOUGH_SECONDS))
    return Repository(
        store, domain, clock=clock or TickingClock(), snapshot_interval=interval, backoff=NO_WAITING, **options
    )


def add(repo: TallyRepository, stream_id: str, *events: Added | int, **options: Any) -> Committed[Tally]:
    """Append events (or amounts) in one commit; gives what is committed and refuses a replay."""
    result = repo.execute(
        (stream_id,),
        lambda state: ([each if isinstance(each, Added) else Added(each) for each in events],),
        metadata=METADATA,
        occurred_at=OCCURRED_AT,
        **options,
    )
    assert isinstance(result, Committed)
    return result


def added(committed: Committed[Tally]) -> Loaded[Tally]:
    """The one stream of a commit."""
    (stream,) = committed.streams
    return stream


def amounts(count: int) -> list[Added]:
    """So many events, each different from its neighbours."""
    return [Added(number * 7 % 1000 - 300) for number in range(count)]


def rows_of(stream_id: str, events: Sequence[Added], *, interval: int = 10, **options: Any) -> list[EventRow]:
    """The rows of a stream of these events, as a repository writes them in commits of a hundred."""
    store = InMemoryEventStore()
    repo = repository(store, interval=interval, **options)
    for start in range(0, len(events), COMMIT_EVENTS):
        add(repo, stream_id, *events[start : start + COMMIT_EVENTS])
    return whole_history(store, stream_id)
