"""States and histories of streams of any length, in pages of any size."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError, VersionNotFoundError
from tests.support.backends import Backend, NewId
from tests.support.recording import whole_history
from tests.support.tally import (
    METADATA,
    OCCURRED_AT,
    Added,
    TallyRepository,
    add,
    added,
    amounts,
    fold,
    repository,
    rows_of,
)

LARGE_NOTE = "x" * 90_000
"""A dozen such rows are more than the 1 MB of a page."""
LARGEST_NOTE = "x" * 390_000
"""Two such rows fit a page."""


@pytest.mark.parametrize("length", [1, 2, 9, 10, 11, 12, 20, 21, 100, 1_000, 10_000])
def test_streams_of_any_length(backend: Backend, stream_id: str, length: int) -> None:
    events = amounts(length)
    backend.seed(rows_of(stream_id, events))

    loaded = repository(backend.store).load(stream_id)
    assert (loaded.version, loaded.state) == (length, fold(events))
    for version in {1, 2, length // 2, length - 1, length} - {0}:
        if version <= length:
            earlier = repository(backend.store).load_version(stream_id, version)
            assert earlier.state == fold(events[:version])

    appended = added(add(repository(backend.store), stream_id, 5))
    assert (appended.version, appended.state) == (length + 1, fold([*events, Added(5)]))
    assert repository(backend.store).load(stream_id) == appended


@pytest.mark.parametrize("length", [1, 10, 25])
def test_streams_appended_one_event_at_a_time(backend: Backend, stream_id: str, length: int) -> None:
    events = amounts(length)
    warm = repository(backend.store)
    for version, event in enumerate(events, 1):
        appended = added(add(warm if version % 3 else repository(backend.store), stream_id, event))
        assert (appended.version, appended.state) == (version, fold(events[:version]))
        assert repository(backend.store).load(stream_id) == appended


@pytest.mark.parametrize(
    ("length", "note", "interval"), [(30, LARGE_NOTE, 50), (30, LARGE_NOTE, 10), (7, LARGEST_NOTE, 50)]
)
def test_rows_of_more_than_a_page(backend: Backend, stream_id: str, length: int, note: str, interval: int) -> None:
    events = [Added(each.amount, note) for each in amounts(length)]
    backend.seed(rows_of(stream_id, events, interval=interval))

    assert repository(backend.store, interval=interval).load(stream_id).state == fold(events)
    for version in (1, length // 2, length - 1):
        loaded = repository(backend.store, interval=interval).load_version(stream_id, version)
        assert loaded.state == fold(events[:version])
    assert [recorded.event for recorded in _pages(repository(backend.store), stream_id, limit=100)] == events[::-1]
    assert len(whole_history(backend.store, stream_id)) == length


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 12, 13, 1000])
def test_history_in_pages(backend: Backend, stream_id: str, limit: int) -> None:
    events = amounts(13)
    backend.seed(rows_of(stream_id, events))

    recorded = _pages(repository(backend.store), stream_id, limit=limit)

    assert [(each.version, each.event) for each in recorded] == list(enumerate(events, 1))[::-1]
    assert {(each.type, each.occurred_at) for each in recorded} == {("Added", OCCURRED_AT)}


def test_history_before_a_version(backend: Backend, stream_id: str) -> None:
    backend.seed(rows_of(stream_id, amounts(13)))
    repo = repository(backend.store)

    def versions(before: int) -> list[int]:
        return [each.version for each in repo.history(stream_id, before=before, limit=3).events]

    assert versions(99) == [13, 12, 11]
    assert versions(13) == [12, 11, 10]
    assert versions(3) == [2, 1]
    assert versions(2) == [1]
    assert versions(1) == versions(0) == []


def test_unknown_stream(backend: Backend, stream_id: str) -> None:
    repo = repository(backend.store)

    assert repo.load(stream_id).version == 0
    assert repo.load(stream_id).state is None
    assert repo.load_at(stream_id, "2026-03-01T12:00:00.000Z").version == 0
    assert repo.history(stream_id, limit=10).events == []
    assert repo.history(stream_id, limit=10).next_before is None
    with pytest.raises(VersionNotFoundError) as caught:
        repo.load_version(stream_id, 1)
    assert caught.value.newest == 0


@pytest.mark.parametrize("version", [-1, 0, 13, 14, 10**15])
def test_versions_that_do_not_exist(backend: Backend, stream_id: str, version: int) -> None:
    backend.seed(rows_of(stream_id, amounts(12)))

    with pytest.raises(VersionNotFoundError) as caught:
        repository(backend.store).load_version(stream_id, version)

    assert (caught.value.stream_id, caught.value.version) == (stream_id, version)


@pytest.mark.parametrize("length", [1, 2, 25])
def test_how_a_stream_began(backend: Backend, stream_id: str, length: int) -> None:
    rows = rows_of(stream_id, amounts(length))
    backend.seed(rows)

    origin = repository(backend.store).origin(stream_id)

    assert (origin.commit_id, origin.actor, origin.occurred_at) == (rows[0].commit_id, METADATA.actor, OCCURRED_AT)
    assert (origin.event, origin.loaded.version, origin.loaded.hash) == (amounts(length)[0], 1, rows[0].hash)
    assert origin.loaded.state == repository(backend.store).load_version(stream_id, 1).state


def test_what_is_not_there_or_not_readable_has_no_beginning(backend: Backend, new_id: NewId) -> None:
    with pytest.raises(InconsistentReadError):
        repository(backend.store).origin(new_id())
    for metadata in ("{", "[]", '{"command_id":"c"}'):
        stream_id = new_id()
        backend.seed([replace(row, metadata=metadata) for row in rows_of(stream_id, amounts(1))])
        with pytest.raises(CorruptRowError):
            repository(backend.store).origin(stream_id)


def test_streams_do_not_mix(backend: Backend, stream_id: str) -> None:
    other = f"{stream_id}0"
    backend.seed(rows_of(stream_id, amounts(3)))
    backend.seed(rows_of(other, amounts(5)))

    assert repository(backend.store).load(stream_id).version == 3
    assert repository(backend.store).load(other).version == 5


def _pages(repo: TallyRepository, stream_id: str, *, limit: int) -> list:  # type: ignore[type-arg]
    recorded = []
    before = None
    while True:
        page = repo.history(stream_id, before=before, limit=limit)
        assert len(page.events) <= limit
        recorded += page.events
        if page.next_before is None:
            return recorded
        assert page.events
        before = page.next_before
