"""Folds a walk over a table, segment by segment, several at a time: for operators, who see how it goes on.

What is folded is of no concern here. A segment is folded by one thread, from its first page to its last, into an
accumulator of its own; the accumulators are handed back in the order of the segments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Final, TypeVar

from msgspec import Struct

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_walk import TableWalk, WalkedPage, pages

P = TypeVar("P")
A = TypeVar("A")

WORKERS: Final = 8
PATIENCE_SECONDS: Final = 60.0
"""An operator's walk waits so long for a page of a table that refuses, before it gives up."""


class Pace(Struct, frozen=True):
    """How far a walk has come, and how fast."""

    rows: int
    read_units: float
    segments_done: int
    segments: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Since the walk began."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    def seconds_left(self, rows: int) -> float | None:
        """At this pace, if the table has so many rows; None before the first page."""
        return max(0, rows - self.rows) / self.rows_per_second if self.rows_per_second else None


def fold_segments(
    pages_of: Callable[[int], Iterator[P]],
    fold: Callable[[Iterator[P]], A],
    *,
    segments: int,
    workers: int = WORKERS,
) -> list[A]:
    """The result of `fold` for the pages of each segment. Raises what `pages_of` and `fold` raise.

    After an error, or Ctrl-C, no segment reads another page: nobody wants the rest, which takes long and costs money.
    """
    stopped = Event()

    def pages_until_stopped(segment: int) -> Iterator[P]:
        for page in pages_of(segment):
            if stopped.is_set():
                return
            yield page

    def folded(segment: int) -> A:
        try:
            return fold(pages_until_stopped(segment))
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(min(workers, segments)) as pool:
        try:
            return list(pool.map(folded, range(segments)))
        except BaseException:
            stopped.set()
            raise


def fold_walk(
    walk: TableWalk,
    fold: Callable[[Iterator[WalkedPage]], A],
    *,
    segments: int,
    workers: int = WORKERS,
    told: Callable[[Pace], None] = lambda _: None,
    new_deadline: Callable[[], Deadline] = lambda: Deadline(PATIENCE_SECONDS),
    monotonic: Callable[[], float] = time.monotonic,
) -> list[A]:
    """Fold a whole event table; `told` hears after each page, from one thread at a time, how far the walk has come.

    Raises ReadUnavailableError, and what `fold` and `told` raise.
    """
    meter = _Meter(segments, told, monotonic)
    return fold_segments(
        lambda segment: meter.counted(pages(walk, segment, segments, new_deadline=new_deadline)),
        fold,
        segments=segments,
        workers=workers,
    )


class _Meter:
    """Counts pages, of several threads."""

    def __init__(self, segments: int, told: Callable[[Pace], None], monotonic: Callable[[], float]) -> None:
        self._told = told
        self._monotonic = monotonic
        self._started = monotonic()
        self._lock = Lock()
        self._pace = Pace(0, 0.0, 0, segments, 0.0)

    def counted(self, of: Iterator[WalkedPage]) -> Iterator[WalkedPage]:
        """The same pages. A page counts when the next one is asked for: it has been folded."""
        for page in of:
            yield page
            self._count(page)

    def _count(self, page: WalkedPage) -> None:
        with self._lock:
            before = self._pace
            self._pace = Pace(
                before.rows + len(page.rows),
                before.read_units + page.read_units,
                before.segments_done + (not page.after),
                before.segments,
                self._monotonic() - self._started,
            )
            self._told(self._pace)
