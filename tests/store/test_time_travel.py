"""States of the past: by version, and as the ledger knew it at a moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from lambdas.eventsourcing.decider import Committed
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.eventsourcing.verifier import ChainVerifier
from tests.support.backends import Backend, NewId
from tests.support.clocks import START
from tests.support.recording import whole_history
from tests.support.set_clock import SetClock
from tests.support.tally import (
    METADATA,
    OCCURRED_AT,
    TALLY,
    Added,
    Tally,
    TallyRepository,
    add,
    amounts,
    fold,
    repository,
    rows_of,
)

TICK = timedelta(milliseconds=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.mark.parametrize("interval", [1, 3, 10, 50])
def test_every_version(backend: Backend, stream_id: str, interval: int) -> None:
    events = amounts(34)
    repo = repository(backend.store, interval=interval)
    for event in events[:12]:
        add(repo, stream_id, event)
    add(repo, stream_id, *events[12:])

    reader = repository(backend.store, interval=interval)
    for row in whole_history(backend.store, stream_id):
        loaded = reader.load_version(stream_id, row.version)
        assert (loaded.version, loaded.state) == (row.version, fold(events[: row.version]))
        assert (loaded.hash, loaded.recorded_at) == (row.hash, row.recorded_at)


def test_every_moment(backend: Backend, stream_id: str, clock: SetClock) -> None:
    """Commits of one to four rows; the rows of a commit share one `recorded_at`."""
    repo = repository(backend.store, clock=clock)
    events = amounts(24)
    version = 0
    for size in (1, 1, 3, 1, 4, 2, 1, 1, 4, 3, 1, 2):
        clock.now += timedelta(seconds=1)
        add(repo, stream_id, *events[version : version + size])
        version += size

    _check_every_moment(repository(backend.store), stream_id, whole_history(backend.store, stream_id), events)


def test_several_commits_in_one_millisecond(backend: Backend, stream_id: str, clock: SetClock) -> None:
    repo = repository(backend.store, clock=clock)
    events = amounts(15)
    for number, event in enumerate(events):
        clock.now = START + TICK * (number // 6)
        add(repo, stream_id, event)

    rows = whole_history(backend.store, stream_id)
    assert len({row.recorded_at for row in rows}) == 3
    _check_every_moment(repository(backend.store), stream_id, rows, events)


def test_clock_that_goes_backwards(backend: Backend, stream_id: str, clock: SetClock) -> None:
    repo = repository(backend.store, clock=clock)
    events = amounts(13)
    for number, event in enumerate(events):
        clock.set((0, 5, 3, 4, 9, 1, 1, 2, 10, 0, 11, 11, 8)[number])
        add(repo if number % 2 else repository(backend.store, clock=clock), stream_id, event)

    rows = whole_history(backend.store, stream_id)
    seconds = [(datetime.fromisoformat(row.recorded_at) - START).total_seconds() for row in rows]
    assert seconds == [0, 5, 5, 5, 9, 9, 9, 9, 10, 10, 11, 11, 11]
    _check_every_moment(repository(backend.store), stream_id, rows, events)


@pytest.mark.parametrize("seconds", [0.001, 59, 60])
def test_commit_to_two_streams_is_recorded_at_one_moment(
    backend: Backend, new_id: NewId, clock: SetClock, seconds: float
) -> None:
    """That of the stream whose newest row is the newer one, when the clock is a little behind it."""
    ahead, behind = _one_ahead(backend, new_id, clock, seconds)

    _commit_to_both(backend, clock, behind, ahead)

    recorded = {repository(backend.store).load(stream_id).recorded_at for stream_id in (ahead, behind)}
    assert recorded == {format_timestamp(START + timedelta(seconds=seconds))}
    before = format_timestamp(START + timedelta(seconds=seconds) - TICK)
    assert repository(backend.store).load_at(behind, before).version == 1
    assert repository(backend.store).load_at(ahead, before).version == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["receiver ahead", "sender ahead"])
@pytest.mark.parametrize("seconds", [60.001, 61, 3600, 86_400 * 365])
def test_stream_far_ahead_does_not_drag_others_along(
    backend: Backend, new_id: NewId, clock: SetClock, seconds: float, order: tuple[int, int]
) -> None:
    """A clock that was once far ahead marks the streams that it wrote to, not those that meet them later."""
    ahead, behind = streams = _one_ahead(backend, new_id, clock, seconds)

    committed = _commit_to_both(backend, clock, streams[order[0]], streams[order[1]])
    clock.set(2)
    add(repository(backend.store, clock=clock), behind, 1)
    add(repository(backend.store, clock=clock), ahead, 1)

    stamps = {stream: [row.recorded_at for row in whole_history(backend.store, stream)] for stream in streams}
    assert stamps[behind] == [format_timestamp(START + timedelta(seconds=second)) for second in (0, 0, 2)]
    assert stamps[ahead] == [format_timestamp(START + timedelta(seconds=seconds))] * 3
    rows = [whole_history(backend.store, stream)[1] for stream in streams]
    assert {row.commit_id for row in rows} == {committed.commit_id}
    assert {loaded.stream_id: loaded.recorded_at for loaded in committed.streams} == {
        row.stream_id: row.recorded_at for row in rows
    }
    for stream in streams:
        assert ChainVerifier(backend.store, TALLY).verify(stream).version == 3
        rows = whole_history(backend.store, stream)
        _check_every_moment(repository(backend.store), stream, rows, [Added(_amount(row)) for row in rows])


def _one_ahead(backend: Backend, new_id: NewId, clock: SetClock, seconds: float) -> tuple[str, str]:
    """Two streams with one row each: one from a clock that is so many seconds ahead, one from a right one."""
    ahead, behind = new_id(), new_id()
    clock.set(seconds)
    add(repository(backend.store, clock=clock), ahead, 1)
    clock.set(0)
    add(repository(backend.store, clock=clock), behind, 1)
    return ahead, behind


def _commit_to_both(backend: Backend, clock: SetClock, *streams: str) -> Committed[Tally]:
    committed = repository(backend.store, clock=clock).execute(
        streams, _one_each, metadata=METADATA, occurred_at=OCCURRED_AT
    )
    assert isinstance(committed, Committed)
    return committed


def _amount(row: EventRow) -> int:
    amount: int = json.loads(row.data)["amount"]
    return amount


def test_occurred_at_does_not_matter(backend: Backend, stream_id: str, clock: SetClock) -> None:
    repo = repository(backend.store, clock=clock)
    for occurred_at in ("2030-01-01T00:00:00.000Z", "1999-01-01T00:00:00.000Z"):
        repo.execute((stream_id,), lambda state: ([Added(1)],), metadata=METADATA, occurred_at=occurred_at)

    assert repo.load_at(stream_id, format_timestamp(START)).version == 2
    assert repo.load_at(stream_id, format_timestamp(START - TICK)).version == 0


def test_moments_in_a_long_stream(backend: Backend, stream_id: str) -> None:
    events = amounts(700)
    rows = rows_of(stream_id, events)
    backend.seed(rows)

    for row in rows[:: len(rows) // 7]:
        expected = max(each.version for each in rows if each.recorded_at <= row.recorded_at)
        loaded = repository(backend.store).load_at(stream_id, row.recorded_at)
        assert (loaded.version, loaded.state) == (expected, fold(events[:expected]))


def _one_each(first: Tally | None, second: Tally | None) -> tuple[list[Added], list[Added]]:
    return [Added(1)], [Added(2)]


def _moments(rows: list[EventRow]) -> Iterator[str]:
    """Just before, at and just after each `recorded_at`, long before the first and long after the last."""
    for text in sorted({row.recorded_at for row in rows}):
        moment = datetime.fromisoformat(text)
        yield from map(format_timestamp, (moment - TICK, moment, moment + TICK))
    yield "0001-01-01T00:00:00.000Z"
    yield "9999-12-31T23:59:59.999Z"


def _check_every_moment(repo: TallyRepository, stream_id: str, rows: list[EventRow], events: list[Added]) -> None:
    for at in _moments(rows):
        known = [row.version for row in rows if row.recorded_at <= at]
        loaded = repo.load_at(stream_id, at)
        assert loaded.version == max(known, default=0)
        assert loaded.state == fold(events[: loaded.version])
