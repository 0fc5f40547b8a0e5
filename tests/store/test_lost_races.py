"""What the winner's row teaches, and what it does not; opening what may exist."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.backends import Backend
from tests.support.recording import whole_history
from tests.support.stores import CountingStore, OvertakenStore
from tests.support.taker import Taker
from tests.support.tally import METADATA, OCCURRED_AT, Added, Others, Tally, TallyError, add, added, fold, repository


def test_winners_row_is_enough_to_decide_again(backend: Backend, stream_id: str, others: Others) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 100)
    others(-30)
    counting.reads = counting.commits = 0

    assert taker.take(10) == 3
    assert (counting.reads, counting.commits) == (0, 2)
    assert taker.decided_on == [100, 70]


def test_winners_rows_are_enough_to_decide_again(backend: Backend, stream_id: str) -> None:
    """Three rows lose against three of one commit."""
    counting = CountingStore(backend.store)
    repo = repository(counting)
    add(repo, stream_id, 1)
    add(repository(backend.store), stream_id, 2, 3, 4)
    counting.reads = counting.commits = 0

    appended = added(add(repo, stream_id, 5, 6, 7))

    assert appended.state == fold([Added(amount) for amount in range(1, 8)])
    assert (counting.reads, counting.commits) == (0, 2)


def test_memory_far_behind_takes_one_read(backend: Backend, stream_id: str, others: Others) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 100)
    for _ in range(25):
        others(-1)
    counting.reads = counting.commits = 0

    assert taker.take(10) == 27
    assert (counting.reads, counting.commits) == (1, 3)
    assert taker.decided_on == [100, 99, 75]


def test_winners_row_does_not_justify_a_rejection(backend: Backend, stream_id: str, others: Others) -> None:
    """The winner took everything, and another one has long put it back."""
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 100)
    others(-100)
    others(100)

    assert taker.take(100) == 4
    assert taker.decided_on == [100, 0, 100]


def test_winners_row_undoes_what_a_read_confirmed(backend: Backend, stream_id: str, others: Others) -> None:
    """The account was read in this very request; the race was lost after it, and the money came back after that."""
    others(100)
    before_reads = [lambda: None, lambda: others(100)]
    counting = CountingStore(OvertakenStore(backend.store, [lambda: others(-100)], before_reads))
    taker = Taker(repository(counting), stream_id)

    assert taker.take(100) == 4
    assert taker.decided_on == [100, 0, 100], "from a read, from the winner's row, from another read"
    assert (counting.reads, counting.commits) == (2, 2)


def test_true_rejection_after_a_lost_race_takes_one_read(backend: Backend, stream_id: str, others: Others) -> None:
    others(100)
    counting = CountingStore(OvertakenStore(backend.store, [lambda: others(-100)]))
    taker = Taker(repository(counting), stream_id)

    with pytest.raises(TallyError):
        taker.take(100)

    assert taker.decided_on == [100, 0, 0]
    assert (counting.reads, counting.commits) == (2, 1)


def test_winners_row_carries_the_snapshot_on(backend: Backend, stream_id: str, others: Others) -> None:
    """The winner's row at version 11 has a snapshot; the loser's next one is due at 21 all the same."""
    repo = repository(backend.store)
    for _ in range(10):
        add(repo, stream_id, 1)
    others(1)
    for _ in range(11):
        add(repo, stream_id, 1)

    assert [row.version for row in whole_history(backend.store, stream_id) if row.state] == [1, 11, 21]


def test_opening_takes_no_read(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)

    add(repository(counting), stream_id, 1, opens=True)

    assert (counting.reads, counting.commits) == (0, 1)


@pytest.mark.parametrize("length", [1, 2, 9, 10, 11, 25])
def test_opening_what_exists(backend: Backend, stream_id: str, others: Others, length: int) -> None:
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
