"""Where snapshots stand, which are used, and what is done without a usable one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.schemas import StateType
from tests.support.backends import Backend
from tests.support.recording import whole_history
from tests.support.stores import CountingStore
from tests.support.tally import NEWER, Added, Tally, add, added, amounts, as_it_is, decider, fold, repository, rows_of


def _rename_sum(state: dict[str, Any]) -> dict[str, Any]:
    state["total"] = state.pop("sum")
    return state


RENAMED_FIELD = decider(state=StateType(Tally, 3, {1: as_it_is, 2: _rename_sum}))
"""State of schema 3; up to schema 2 `total` was called `sum`."""


def _of_schema_2(rows: Sequence[EventRow]) -> list[EventRow]:
    """The rows as the code before RENAMED_FIELD wrote them."""
    return [
        msgspec.structs.replace(row, state=row.state.replace('"total"', '"sum"'), state_schema=2) if row.state else row
        for row in rows
    ]


def _snapshots(backend: Backend, stream_id: str) -> list[int]:
    return [row.version for row in whole_history(backend.store, stream_id) if row.state is not None]


def test_version_1_and_every_tenth_row_after_it(backend: Backend, stream_id: str) -> None:
    repo = repository(backend.store)
    for event in amounts(32):
        add(repo, stream_id, event)

    assert _snapshots(backend, stream_id) == [1, 11, 21, 31]


def test_inside_commits_of_several_events(backend: Backend, stream_id: str) -> None:
    events = amounts(48)
    for start in range(0, 48, 12):
        add(repository(backend.store), stream_id, *events[start : start + 12])

    assert _snapshots(backend, stream_id) == [1, 11, 21, 31, 41]
    for version in range(1, 49):
        assert repository(backend.store).load_version(stream_id, version).state == fold(events[:version])


def test_none_is_one_row_late_in_a_cold_or_a_warm_repository(backend: Backend, stream_id: str) -> None:
    warm = repository(backend.store, interval=3)
    for event in amounts(5):
        add(warm, stream_id, event)
    for event in amounts(5):
        add(repository(backend.store, interval=3), stream_id, event)

    assert _snapshots(backend, stream_id) == [1, 4, 7, 10]


@pytest.mark.parametrize(
    ("before", "rows_before", "after", "expected"),
    [
        (50, 30, 10, [1, 31, 41, 51, 61]),
        (50, 60, 10, [1, 51, 61, 71, 81]),
        (50, 10, 10, [1, 11, 21, 31, 41]),
        (10, 25, 15, [1, 11, 21, 36, 51]),
        (10, 11, 15, [1, 11, 26, 41]),
        (10, 10, 15, [1, 16, 31]),
        (1, 3, 50, [1, 2, 3]),
        (50, 3, 1, [1, 4, 5, 6, 7]),
    ],
)
def test_interval_changed_between_appends(
    backend: Backend, stream_id: str, before: int, rows_before: int, after: int, expected: list[int]
) -> None:
    backend.seed(rows_of(stream_id, amounts(rows_before), interval=before))
    length = max(expected[-1], rows_before + 1) + 1
    for start in range(rows_before, length):
        add(repository(backend.store, interval=after), stream_id, amounts(length)[start])

    assert [version for version in _snapshots(backend, stream_id) if version <= expected[-1]] == expected
    for reader in (before, after, 7):
        for version in {1, rows_before, rows_before + 1, length - 1, length}:
            loaded = repository(backend.store, interval=reader).load_version(stream_id, version)
            assert loaded.state == fold(amounts(length)[:version])


@pytest.mark.parametrize("length", [1, 5, 10, 11, 25])
def test_outdated_schema_with_upcasters_is_used(backend: Backend, stream_id: str, length: int) -> None:
    events = amounts(length)
    backend.seed(_of_schema_2(rows_of(stream_id, events)))
    counting = CountingStore(backend.store)

    loaded = repository(counting, domain=RENAMED_FIELD).load(stream_id)

    assert loaded.state == fold(events)
    assert loaded.snapshot_version == (length - 1) // 10 * 10 + 1
    assert counting.reads == 1
    appended = added(add(repository(backend.store, domain=RENAMED_FIELD), stream_id, 1))
    assert appended.snapshot_version == (length // 10) * 10 + 1


@pytest.mark.parametrize("length", [1, 5, 9, 10, 11, 29, 30, 31, 70, 150])
def test_snapshot_of_newer_code_is_ignored(backend: Backend, stream_id: str, length: int) -> None:
    """Such as a release writes that is rolled back: its events are known, and its states are not."""
    events = amounts(length)
    backend.seed(rows_of(stream_id, events, domain=NEWER))

    counting = CountingStore(backend.store)
    loaded = repository(counting).load(stream_id)

    assert (loaded.version, loaded.state, loaded.snapshot_version) == (length, fold(events), 0)
    assert counting.reads == math.ceil(math.log2(length / 10 + 1)), "pages of 10, 20, 40 … rows"
    for version in {1, length // 2 or 1, length}:
        earlier = repository(backend.store).load_version(stream_id, version)
        assert earlier.state == fold(events[:version])
    appended = added(add(repository(backend.store), stream_id, 1))
    expected = length + 1 if length + 1 >= 10 else 0
    assert appended.snapshot_version == expected, "a row 10 or more past the last usable snapshot carries one"
    assert repository(backend.store).load(stream_id) == appended


def test_no_usable_snapshot_in_a_long_stream_is_folded_forward(backend: Backend, stream_id: str) -> None:
    events = amounts(1_400)
    backend.seed(rows_of(stream_id, events, domain=NEWER))
    counting = CountingStore(backend.store)

    loaded = repository(counting).load(stream_id)

    assert (loaded.version, loaded.state, loaded.snapshot_version) == (1_400, fold(events), 0)
    assert counting.forward_reads > 0
    assert repository(backend.store).load_version(stream_id, 1_399).state == fold(events[:-1])


@pytest.mark.parametrize("tail", [1, 9, 10, 11, 20, 29, 30, 31])
def test_tail_after_a_remembered_version_without_a_snapshot(backend: Backend, stream_id: str, tail: int) -> None:
    """The reader's pages end exactly at the version it knows for some of these lengths."""
    events = amounts(5 + tail)
    remembering = repository(backend.store, interval=10)
    add(remembering, stream_id, *events[:5])
    add(repository(backend.store, interval=50), stream_id, *events[5:])

    appended = added(add(remembering, stream_id, 1))

    assert (appended.version, appended.state) == (6 + tail, fold([*events, Added(1)]))


def test_row_that_is_too_large_with_its_snapshot_goes_without(backend: Backend, stream_id: str) -> None:
    large = Added(1, "x" * 250_000)
    events = [large, Added(2), large, Added(3), Added(4)]
    for event in events:
        add(repository(backend.store, interval=2), stream_id, event)

    assert _snapshots(backend, stream_id) == [2, 4], "versions 1 and 3 are too large for one"
    for version in range(1, 6):
        assert repository(backend.store, interval=2).load_version(stream_id, version).state == fold(events[:version])
