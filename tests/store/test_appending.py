"""Commits: of one row or many, to one stream or several, all or nothing, within the limits of a transaction."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.decider import Committed
from lambdas.eventsourcing.errors import CommitTooLargeError, VersionConflictError
from lambdas.eventsourcing.limits import MAX_ROW_BYTES, row_bytes
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, EventRow, Metadata
from tests.support.backends import Backend, NewId
from tests.support.recording import whole_history
from tests.support.stores import CountingStore, as_is
from tests.support.tally import METADATA, OCCURRED_AT, Added, add, added, amounts, fold, repository, rows_of


def test_rows_of_a_commit(backend: Backend, new_id: NewId) -> None:
    first, second = new_id(), new_id()
    add(repository(backend.store), second, 9)
    metadata = Metadata("the command", "the correlation", "the actor", "the cause")

    committed = repository(backend.store).execute(
        (first, second),
        lambda one, two: ([Added(1), Added(2)], [Added(3)]),
        metadata=metadata,
        occurred_at=OCCURRED_AT,
    )

    assert isinstance(committed, Committed)
    assert [stream.version for stream in committed.streams] == [2, 2]
    rows = [*whole_history(backend.store, first), *whole_history(backend.store, second)[1:]]
    assert [(row.stream_id, row.version, row.data) for row in rows] == [
        (first, 1, '{"amount":1,"note":""}'),
        (first, 2, '{"amount":2,"note":""}'),
        (second, 2, '{"amount":3,"note":""}'),
    ]
    assert {row.commit_id for row in rows} == {committed.commit_id}
    assert len({row.recorded_at for row in rows}) == 1
    assert {(row.type, row.schema, row.occurred_at) for row in rows} == {("Added", 1, OCCURRED_AT)}
    assert {row.metadata for row in rows} == {
        '{"command_id":"the command","correlation_id":"the correlation","actor":"the actor","causation_id":"the cause"}'
    }


@pytest.mark.parametrize("size", [1, 2, 10, 11, 100])
def test_commits_of_many_events(backend: Backend, stream_id: str, size: int) -> None:
    events = amounts(size + 1)
    add(repository(backend.store), stream_id, events[0])

    appended = added(add(repository(backend.store), stream_id, *events[1:]))

    assert (appended.version, appended.state) == (size + 1, fold(events))
    assert repository(backend.store).load(stream_id) == appended


def test_more_actions_than_a_transaction_holds(backend: Backend, new_id: NewId) -> None:
    first, second = new_id(), new_id()
    counting = CountingStore(backend.store)

    with pytest.raises(CommitTooLargeError, match="101"):
        add(repository(counting), first, *amounts(101))
    with pytest.raises(CommitTooLargeError, match="101"):
        repository(counting).execute(
            (first, second), lambda one, two: (amounts(50), amounts(51)), metadata=METADATA, occurred_at=OCCURRED_AT
        )

    assert repository(backend.store).load(first).version == repository(backend.store).load(second).version == 0


def test_more_bytes_than_a_transaction_holds(backend: Backend, stream_id: str) -> None:
    """Ten rows of 390 KB fit into 4 MB, eleven do not."""
    large = [Added(amount, "x" * 390 * 1024) for amount in range(11)]

    with pytest.raises(CommitTooLargeError, match="4194304"):
        add(repository(backend.store), stream_id, *large)
    assert repository(backend.store).load(stream_id).version == 0

    add(repository(backend.store), stream_id, *large[:10])
    assert repository(backend.store).load(stream_id).state == fold(large[:10])


def test_row_of_exactly_the_largest_size_and_one_byte_more(backend: Backend, stream_id: str) -> None:
    (row,) = rows_of(stream_id, [Added(1)])
    empty = row_bytes(msgspec.structs.replace(row, state=None, state_schema=None))

    with pytest.raises(CommitTooLargeError, match=str(MAX_ROW_BYTES + 1)):
        add(repository(backend.store), stream_id, Added(1, "x" * (MAX_ROW_BYTES - empty + 1)))
    assert repository(backend.store).load(stream_id).version == 0

    committed = add(repository(backend.store), stream_id, Added(1, "x" * (backend.largest_item - empty)))
    (stored,) = whole_history(backend.store, stream_id)
    assert (row_bytes(stored), stored.state) == (backend.largest_item, None)
    assert stored.hash == row_hash(GENESIS, stored)
    assert committed.streams == (repository(backend.store).load(stream_id),)


def test_text_beyond_ascii_counts_its_bytes(backend: Backend, stream_id: str) -> None:
    with pytest.raises(CommitTooLargeError):
        add(repository(backend.store), stream_id, Added(1, "€" * 140_000))

    add(repository(backend.store), stream_id, Added(1, '€ 🌍 \x00 " \\ é'))
    assert repository(backend.store).load(stream_id).state == fold([Added(1, '€ 🌍 \x00 " \\ é')])


def test_lost_race_of_a_commit_to_two_streams_leaves_no_trace(backend: Backend, new_id: NewId) -> None:
    first, second = new_id(), new_id()
    rows = [*rows_of(first, amounts(1)), *rows_of(second, amounts(2))]
    rival = rows[1]
    backend.seed([rival])

    with pytest.raises(VersionConflictError) as caught:
        backend.store.commit(as_is(_commit("late", rows[:2])), deadline=Deadline())

    assert caught.value.rows == (rival,)
    assert whole_history(backend.store, first) == []
    assert whole_history(backend.store, second) == [rival]


@pytest.mark.parametrize("size", [1, 3])
def test_same_commit_sent_again_succeeds_and_changes_nothing(backend: Backend, stream_id: str, size: int) -> None:
    rows = rows_of(stream_id, amounts(size))
    commit = Commit(rows[0].commit_id, tuple(rows))

    for _ in range(3):
        backend.store.commit(as_is(commit), deadline=Deadline())

    assert whole_history(backend.store, stream_id) == rows


def test_conflict_names_every_winner(backend: Backend, stream_id: str) -> None:
    rows = rows_of(stream_id, amounts(5))
    backend.seed(rows[:4])

    for first, last in ((1, 2), (2, 5), (0, 4)):
        with pytest.raises(VersionConflictError) as caught:
            backend.store.commit(as_is(_commit("late", rows[first:last])), deadline=Deadline())
        assert caught.value.rows == tuple(rows[first : min(last, 4)])
    assert whole_history(backend.store, stream_id) == rows[:4]


def _commit(commit_id: str, rows: Sequence[EventRow]) -> Commit:
    return Commit(commit_id, tuple(msgspec.structs.replace(row, commit_id=commit_id) for row in rows))
