"""What a decision may rest on: versions asked for, states remembered, states learned from a lost race."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from lambdas.eventsourcing.decider import Committed
from lambdas.eventsourcing.errors import PreconditionFailedError
from tests.support.backends import Backend, NewId
from tests.support.recording import whole_history
from tests.support.stores import CountingStore, OvertakenStore
from tests.support.tally import (
    METADATA,
    OCCURRED_AT,
    Added,
    Tally,
    TallyError,
    TallyRepository,
    add,
    fold,
    repository,
)


class Taker:
    """Takes from a tally at most what it holds, and keeps the totals it decided on."""

    def __init__(self, repo: TallyRepository, stream_id: str) -> None:
        self.repo = repo
        self.stream_id = stream_id
        self.decided_on: list[int | None] = []

    def take(self, amount: int, *, expected: set[int] | None = None, opens: bool = False) -> int:
        """The version after it. Raises TallyError, PreconditionFailedError."""

        def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
            self.decided_on.append(None if state is None else state.total)
            if state is None or state.total < amount:
                raise TallyError
            return ([Added(-amount)],)

        result = self.repo.execute(
            (self.stream_id,),
            decide,
            metadata=METADATA,
            occurred_at=OCCURRED_AT,
            expected=None if expected is None else frozenset(expected),
            opens=opens,
        )
        assert isinstance(result, Committed)
        return result.streams[0].version


@pytest.fixture
def others(backend: Backend, stream_id: str) -> Callable[[int], object]:
    """Somebody else adds to the stream."""
    return lambda amount: add(repository(backend.store), stream_id, amount)


# If-Match


@pytest.mark.parametrize("expected", [{2}, {1, 2}, {2, 3}])
def test_expected_version(
    backend: Backend, stream_id: str, others: Callable[[int], object], expected: set[int]
) -> None:
    others(50)
    others(50)

    assert Taker(repository(backend.store), stream_id).take(10, expected=expected) == 3


@pytest.mark.parametrize("expected", [set(), {1}, {3}, {1, 3}])
@pytest.mark.parametrize("warm", [True, False])
def test_unexpected_version(
    backend: Backend, stream_id: str, others: Callable[[int], object], expected: set[int], warm: bool
) -> None:
    others(50)
    others(50)
    taker = Taker(repository(backend.store), stream_id)
    if warm:
        taker.repo.load(stream_id)

    with pytest.raises(PreconditionFailedError) as caught:
        taker.take(10, expected=expected)

    assert (caught.value.stream_id, caught.value.version) == (stream_id, 2)
    assert taker.decided_on == []


def test_lost_race_under_an_expected_version_is_no_new_decision(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    others(50)
    taker = Taker(repository(OvertakenStore(backend.store, [lambda: others(1)] * 5)), stream_id)

    with pytest.raises(PreconditionFailedError) as caught:
        taker.take(10, expected={1})

    assert caught.value.version == 2
    assert taker.decided_on == [50]
    assert len(whole_history(backend.store, stream_id)) == 2


def test_lost_race_that_ends_at_an_expected_version(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    others(50)
    taker = Taker(repository(OvertakenStore(backend.store, [lambda: others(1)])), stream_id)

    assert taker.take(10, expected={1, 2}) == 3
    assert taker.decided_on == [50, 51]


def test_failed_precondition_tells_the_version_of_a_read_in_this_request(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    """Not that of the winner's row, which is behind by two."""
    others(50)
    taker = Taker(repository(OvertakenStore(backend.store, [lambda: [others(1), others(1), others(1)]])), stream_id)

    with pytest.raises(PreconditionFailedError) as caught:
        taker.take(10, expected={1})

    assert caught.value.version == 4


@pytest.mark.parametrize("expected", [set(), {1}])
def test_expected_version_of_an_unknown_stream(backend: Backend, stream_id: str, expected: set[int]) -> None:
    """The domain says what is wrong: there is nothing whose version could be another."""
    taker = Taker(repository(backend.store), stream_id)

    with pytest.raises(TallyError):
        taker.take(10, expected=expected)

    assert taker.decided_on == [None]


# What is remembered


def test_command_on_a_remembered_stream_reads_nothing(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 100)
    for version in range(2, 15):
        assert taker.take(1) == version
    assert (counting.reads, counting.commits) == (1, 14), "the one read was that of the first command"


def test_cold_command_reads_once(backend: Backend, stream_id: str, others: Callable[[int], object]) -> None:
    others(100)
    counting = CountingStore(backend.store)

    assert Taker(repository(counting), stream_id).take(1) == 2
    assert (counting.reads, counting.commits) == (1, 1)


def test_load_fills_the_memory(backend: Backend, stream_id: str, others: Callable[[int], object]) -> None:
    others(100)
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    taker.repo.load(stream_id)

    assert taker.take(1) == 2
    assert (counting.reads, counting.commits) == (1, 1)


def test_time_travel_does_not_fill_the_memory(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    others(100)
    others(-50)
    taker = Taker(repository(backend.store), stream_id)
    earlier = taker.repo.load_version(stream_id, 1)
    taker.repo.load_at(stream_id, earlier.recorded_at)

    assert taker.take(50) == 3
    assert taker.decided_on == [50]


def test_memory_that_is_full_forgets_the_stream_used_longest_ago(backend: Backend, new_id: NewId) -> None:
    counting = CountingStore(backend.store)
    repo = repository(counting, cache_capacity=2)
    first, second, third = new_id(), new_id(), new_id()
    for stream_id in (first, second, first, third):
        add(repo, stream_id, 1)
    counting.reads = 0

    for stream_id, reads in ((first, 0), (third, 0), (second, 1), (third, 1), (first, 2)):
        add(repo, stream_id, 1)
        assert counting.reads == reads


def test_no_memory(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    repo = repository(counting, cache_capacity=0)
    for _ in range(3):
        add(repo, stream_id, 1)

    assert counting.reads == 3


def test_rejection_from_memory_is_confirmed_by_a_read(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 10)
    others(90)

    assert taker.take(100) == 3
    assert taker.decided_on == [10, 100]


def test_true_rejection_takes_one_read(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 10)
    counting.reads = counting.commits = 0

    with pytest.raises(TallyError):
        taker.take(11)

    assert (counting.reads, counting.commits) == (1, 0)
    assert taker.decided_on == [10, 10]


def test_cold_rejection_takes_one_read(backend: Backend, stream_id: str, others: Callable[[int], object]) -> None:
    others(10)
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)

    with pytest.raises(TallyError):
        taker.take(11)

    assert (counting.reads, counting.commits) == (1, 0)
    assert taker.decided_on == [10]


def test_failed_precondition_from_memory_is_confirmed_by_a_read(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 10)
    others(90)

    assert taker.take(100, expected={2}) == 3
    assert taker.decided_on == [100]


def test_doing_nothing_from_memory_is_confirmed_by_a_read(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 10)
    others(90)

    def empty_if_over_fifty(state: Tally | None) -> Sequence[Sequence[Added]]:
        return ([Added(-state.total)] if state is not None and state.total > 50 else [],)

    result = repo.execute((stream_id,), empty_if_over_fifty, metadata=METADATA, occurred_at=OCCURRED_AT)

    assert isinstance(result, Committed)
    assert result.streams[0].state == fold([Added(10), Added(90), Added(-100)])


def test_stale_memory_that_allows_what_is_forbidden(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 100)
    others(-90)

    with pytest.raises(TallyError):
        taker.take(50)

    assert taker.decided_on == [100, 10, 10], "from memory, from the winner's row, from a read"
    assert len(whole_history(backend.store, stream_id)) == 2


# What a lost race teaches


def test_winners_row_is_enough_to_decide_again(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 100)
    others(-30)
    counting.reads = counting.commits = 0

    assert taker.take(10) == 3
    assert (counting.reads, counting.commits) == (0, 2)
    assert taker.decided_on == [100, 70]


def test_memory_far_behind_takes_one_read(backend: Backend, stream_id: str, others: Callable[[int], object]) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 100)
    for _ in range(25):
        others(-1)
    counting.reads = counting.commits = 0

    assert taker.take(10) == 27
    assert (counting.reads, counting.commits) == (1, 3)
    assert taker.decided_on == [100, 99, 75]


def test_winners_row_does_not_justify_a_rejection(
    backend: Backend, stream_id: str, others: Callable[[int], object]
) -> None:
    """The winner took everything, and another one has long put it back."""
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 100)
    others(-100)
    others(100)

    assert taker.take(100) == 4
    assert taker.decided_on == [100, 0, 100]


def test_winners_row_carries_the_snapshot_on(backend: Backend, stream_id: str, others: Callable[[int], object]) -> None:
    """The winner's row at version 11 has a snapshot; the loser's next one is due at 21 all the same."""
    repo = repository(backend.store)
    for _ in range(10):
        add(repo, stream_id, 1)
    others(1)
    for _ in range(11):
        add(repo, stream_id, 1)

    assert [row.version for row in whole_history(backend.store, stream_id) if row.state] == [1, 11, 21]


# Opening


def test_opening_takes_no_read(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)

    add(repository(counting), stream_id, 1, opens=True)

    assert (counting.reads, counting.commits) == (0, 1)


@pytest.mark.parametrize("length", [1, 2, 9, 10, 11, 25])
def test_opening_what_exists(backend: Backend, stream_id: str, others: Callable[[int], object], length: int) -> None:
    """It is found by the lost race, and what follows is a command like any other."""
    for _ in range(length):
        others(1)
    repo = repository(backend.store)
    seen: list[Tally | None] = []

    def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
        seen.append(state)
        if state is not None:
            raise TallyError
        return ([Added(1)],)

    with pytest.raises(TallyError):
        repo.execute((stream_id,), decide, metadata=METADATA, occurred_at=OCCURRED_AT, opens=True)

    assert [state and state.count for state in seen] == [None, 1, length]
    assert len(whole_history(backend.store, stream_id)) == length
    assert Taker(repo, stream_id).take(1) == length + 1


def test_opening_what_is_remembered(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 10)
    counting.reads = 0

    with pytest.raises(TallyError):
        taker.take(11, opens=True)

    assert (counting.reads, taker.decided_on) == (1, [10, 10])


def test_unknown_stream(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)

    for reads in (1, 2):
        with pytest.raises(TallyError):
            taker.take(1)
        assert (counting.reads, counting.commits) == (reads, 0), "what does not exist is not remembered"
    assert taker.decided_on == [None, None]
