"""Walks over all segments in this process, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.segment_fold import PATIENCE_SECONDS, fold_segments
from lambdas.verification.results import Progress, SegmentResult, Terms
from lambdas.verification.walking import SegmentWalker, Tables


def walk_all(
    tables: Tables,
    terms: Terms,
    *,
    segments: int,
    told: Callable[[int], None] = lambda _: None,
    new_deadline: Callable[[], Deadline] = lambda: Deadline(PATIENCE_SECONDS),
) -> SegmentResult:
    """What is seen of all segments. `told` hears the rows of each page, from one thread at a time.

    Raises ReadUnavailableError.
    """
    lock = Lock()

    def steps(segment: int) -> Iterator[Progress]:
        walker = SegmentWalker(tables, terms, Progress(segment=segment, segments=segments))
        while not walker.progress.done:
            rows = walker.page(new_deadline())
            with lock:
                told(rows)
            yield walker.progress

    def last(progress: Iterator[Progress]) -> SegmentResult:
        seen = SegmentResult()
        for each in progress:
            seen = each.result
        return seen

    found = SegmentResult()
    for each in fold_segments(steps, last, segments=segments):
        found.merge(each)
    return found
