"""Snapshot + tail = full fold, at every version, for any interval from 1 to 50, also when it changes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from lambdas.accounts.events import EVENTS, AccountEvent
from lambdas.accounts.state import Account, evolve
from lambdas.eventsourcing.decider import Committed, Loaded
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.clocks import TickingClock
from tests.support.instances import instances
from tests.support.recording import whole_history
from tests.support.runs import runs
from tests.support.stores import CountingStore
from tests.support.tally import METADATA, OCCURRED_AT

STREAM = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

money = st.integers(1, 10**6)
reference = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64)
account_events: st.SearchStrategy[AccountEvent] = instances(
    EVENTS,
    {
        "amount": money,
        "currency": st.just("EUR"),
        "overdraft_limit": money,
        "reference": reference | st.just(UNSET),
        "transfer_id": st.just(OTHER),
        "from_account_id": st.just(OTHER),
        "to_account_id": st.just(OTHER),
    },
)
intervals = st.integers(1, 50)
commits = st.lists(
    st.tuples(st.lists(account_events, min_size=1, max_size=12), st.none() | intervals), min_size=1, max_size=20
)


@settings(max_examples=runs(check=50, test=300, soak=5_000))
@given(commits=commits, interval=intervals, reader_interval=intervals)
def test_snapshot_and_tail_are_the_full_fold(
    commits: Sequence[tuple[list[AccountEvent], int | None]], interval: int, reader_interval: int
) -> None:
    """Each commit is by the repository of the last one, or by a new one with another interval."""
    store = InMemoryEventStore()
    writer = _repository(store, interval)
    events: list[AccountEvent] = []
    for new, changed_interval in commits:
        if changed_interval is not None:
            writer = _repository(store, changed_interval)
        events += new
        assert _append(writer, new) == _folded(events)

    states = _states(events)
    for reader in (_repository(store, interval), _repository(store, reader_interval)):
        for version in range(1, len(events) + 1):
            assert reader.load_version(STREAM, version).state == states[version]
        assert reader.load(STREAM).state == states[-1]


@given(events=st.lists(account_events, min_size=1, max_size=60), interval=intervals)
def test_newest_state_takes_one_page(events: list[AccountEvent], interval: int) -> None:
    """With one interval throughout, snapshots stand at 1, 1 + N, 1 + 2N … and the newest is among the last N rows."""
    store = InMemoryEventStore()
    for event in events:
        _append(_repository(store, interval), [event])

    counting = CountingStore(store)
    loaded = _repository(counting, interval).load(STREAM)

    assert loaded.state == _folded(events)
    assert counting.reads == 1
    assert counting.rows <= interval
    snapshots = [row.version for row in whole_history(store, STREAM) if row.state is not None]
    assert snapshots == list(range(1, len(events) + 1, interval))


def _repository(store: InMemoryEventStore | CountingStore, interval: int) -> Repository[Account, AccountEvent]:
    return Repository(store, ACCOUNT_DECIDER, clock=TickingClock(), snapshot_interval=interval)


def _append(repo: Repository[Account, AccountEvent], events: list[AccountEvent]) -> Account | None:
    committed = repo.execute((STREAM,), lambda state: (events,), metadata=METADATA, occurred_at=OCCURRED_AT)
    assert isinstance(committed, Committed)
    loaded: Loaded[Account] = committed.streams[0]
    return loaded.state


def _folded(events: Sequence[AccountEvent]) -> Account | None:
    return _states(events)[-1]


def _states(events: Sequence[AccountEvent]) -> list[Account | None]:
    """The states at versions 0, 1, 2 …"""
    states: list[Account | None] = [None]
    for event in events:
        states.append(evolve(states[-1], event))
    return states
