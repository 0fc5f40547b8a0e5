"""Folding a walk: a thread a segment, one that is told of the pace, and an end when nobody wants the rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.segment_fold import Pace, fold_segments, fold_walk
from lambdas.eventsourcing.table_walk import WalkedPage
from tests.support.event_rows import row


class Numbers:
    """A walk of `pages` pages a segment, of two rows and half a read unit each."""

    def __init__(self, pages: int) -> None:
        self._pages = pages

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        number = int(after or "0") + 1
        rows = [row(segment * 1000 + number * 2 + each) for each in (0, 1)]
        return WalkedPage(list(rows), str(number) if number < self._pages else "", 0.5)


def versions(pages: Iterator[WalkedPage]) -> int:
    return sum(each.version for page in pages for each in page.rows)


def test_results_come_in_the_order_of_the_segments() -> None:
    found = fold_walk(Numbers(3), versions, segments=5)
    each = sum(range(2, 8))
    assert found == [each + segment * 6000 for segment in range(5)]


def test_the_pace_is_told_after_each_page() -> None:
    told: list[Pace] = []
    seconds = count(0.0, 2.0)
    fold_walk(Numbers(3), versions, segments=2, workers=1, told=told.append, monotonic=lambda: next(seconds))
    assert [(each.rows, each.read_units, each.segments_done) for each in told] == [
        (2, 0.5, 0), (4, 1.0, 0), (6, 1.5, 1), (8, 2.0, 1), (10, 2.5, 1), (12, 3.0, 2)
    ]  # fmt: skip
    assert told[-1].seconds == 12.0
    assert told[-1].rows_per_second == 1.0
    assert told[-1].seconds_left(112) == 100.0
    assert told[-1].seconds_left(5) == 0.0


def test_there_is_no_pace_before_the_first_page() -> None:
    assert Pace(0, 0.0, 0, 4, 0.0).seconds_left(100) is None


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_one_segment_ends_the_others(error: type[BaseException]) -> None:
    """The others are endless. The error may be in any segment, not only in the one that is waited for."""
    begun = threading.Barrier(3)

    def fold(pages: Iterator[int]) -> None:
        segment = next(pages)
        begun.wait(10)
        if segment == 2:
            raise error
        for _ in pages:
            pass

    def endless(segment: int) -> Iterator[int]:
        while True:
            yield segment

    with pytest.raises(error):
        fold_segments(endless, fold, segments=3)


def test_an_interruption_while_waiting_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is raised where the results are waited for."""
    told: list[Pace] = []

    def interrupt(pace: Pace) -> None:
        told.append(pace)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fold_walk(Numbers(10**9), versions, segments=3, told=interrupt)
    assert len(told) < 20
