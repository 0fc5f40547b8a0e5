"""What a repository remembers, and what it may decide from memory alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import Committed, Loaded
from tests.support.backends import Backend, NewId
from tests.support.recording import whole_history
from tests.support.stores import CountingStore
from tests.support.taker import Taker
from tests.support.tally import METADATA, OCCURRED_AT, Added, Others, Tally, TallyError, add, fold, repository


def test_command_on_a_remembered_stream_reads_nothing(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    add(taker.repo, stream_id, 100)
    for version in range(2, 15):
        assert taker.take(1) == version
    assert (counting.reads, counting.commits) == (1, 14), "the one read was that of the first command"


def test_cold_command_reads_once(backend: Backend, stream_id: str, others: Others) -> None:
    others(100)
    counting = CountingStore(backend.store)

    assert Taker(repository(counting), stream_id).take(1) == 2
    assert (counting.reads, counting.commits) == (1, 1)


def test_load_fills_the_memory(backend: Backend, stream_id: str, others: Others) -> None:
    others(100)
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)
    taker.repo.load(stream_id)

    assert taker.take(1) == 2
    assert (counting.reads, counting.commits) == (1, 1)


def test_time_travel_does_not_fill_the_memory(backend: Backend, stream_id: str, others: Others) -> None:
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


def test_memory_counts_every_use() -> None:
    """What a read or an append gives is put again, whether it is newer or not."""
    cache: StreamCache[int] = StreamCache(2)
    for stream_id in ("first", "second"):
        cache.put(Loaded(stream_id, 1, version=1))
    cache.put(Loaded("first", 1, version=1))
    cache.put(Loaded("third", 1, version=1))

    assert [cache.get(stream_id) is not None for stream_id in ("first", "second", "third")] == [True, False, True]


def test_memory_never_goes_back() -> None:
    """A slow read that ends after a quicker append must not undo what the append taught."""
    cache: StreamCache[int] = StreamCache(2)
    for version in (1, 3, 2):
        cache.put(Loaded("stream", version, version=version))
    cache.put(Loaded("nothing"))

    assert cache.get("stream") == Loaded("stream", 3, version=3)
    assert cache.get("nothing") is None, "what does not exist is not remembered"


def test_no_memory(backend: Backend, stream_id: str) -> None:
    counting = CountingStore(backend.store)
    repo = repository(counting, cache_capacity=0)
    for _ in range(3):
        add(repo, stream_id, 1)

    assert counting.reads == 3


def test_rejection_from_memory_is_confirmed_by_a_read(backend: Backend, stream_id: str, others: Others) -> None:
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


def test_cold_rejection_takes_one_read(backend: Backend, stream_id: str, others: Others) -> None:
    others(10)
    counting = CountingStore(backend.store)
    taker = Taker(repository(counting), stream_id)

    with pytest.raises(TallyError):
        taker.take(11)

    assert (counting.reads, counting.commits) == (1, 0)
    assert taker.decided_on == [10]


def test_failed_precondition_from_memory_is_confirmed_by_a_read(
    backend: Backend, stream_id: str, others: Others
) -> None:
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 10)
    others(90)

    assert taker.take(100, expected={2}) == 3
    assert taker.decided_on == [100]


def test_doing_nothing_from_memory_is_confirmed_by_a_read(backend: Backend, stream_id: str, others: Others) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 10)
    others(90)

    def empty_if_over_fifty(state: Tally | None) -> Sequence[Sequence[Added]]:
        return ([Added(-state.total)] if state is not None and state.total > 50 else [],)

    result = repo.execute((stream_id,), empty_if_over_fifty, metadata=METADATA, occurred_at=OCCURRED_AT)

    assert isinstance(result, Committed)
    assert result.streams[0].state == fold([Added(10), Added(90), Added(-100)])


def test_stale_memory_that_allows_what_is_forbidden(backend: Backend, stream_id: str, others: Others) -> None:
    taker = Taker(repository(backend.store), stream_id)
    add(taker.repo, stream_id, 100)
    others(-90)

    with pytest.raises(TallyError):
        taker.take(50)

    assert taker.decided_on == [100, 10, 10], "from memory, from the winner's row, from a read"
    assert len(whole_history(backend.store, stream_id)) == 2
