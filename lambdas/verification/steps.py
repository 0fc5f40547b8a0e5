"""A verification in steps, as it runs in AWS: segments are walked, each in several steps, and then all is settled.

What all steps of a run go by is fixed by the first of them, and the progress of a segment is kept between two steps: a
step that is killed is done again from where the one before has ended. Whatever step is repeated, or carried out twice
at once, the outcome is the same: an object is only put in the place of the one that was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from lambdas.eventsourcing.retry import Deadline
from lambdas.transparency.log_store import LogStore
from lambdas.verification.errors import VerificationError
from lambdas.verification.results import Progress, Report, SegmentResult, Terms
from lambdas.verification.walking import SegmentWalker, Tables

FOLDER: Final = "verification/"
JSON: Final = "application/json"
KEPT_AFTER_PAGES: Final = 100
"""So often at least a step keeps what it has seen, some 300 KB: what a killed one has done since is done again."""

Run: TypeAlias = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
"""The id of a run, which is the name of a folder."""

T = TypeVar("T")


class WalkStep(Struct, frozen=True, tag_field="step", tag="walk"):
    """Walk on in one segment. `rebuild` is the run's id: the state machine calls it so for whatever it walks for."""

    rebuild: Run
    segment: int
    segments: int


class SettleStep(Struct, frozen=True, tag_field="step", tag="settle"):
    """Compare what was seen of all segments with the rest, and write the report."""

    rebuild: Run


class Agreed(Struct, frozen=True):
    """What all steps of a run go by. `log_conflict` says why the log cannot be compared: that is a finding."""

    terms: Terms
    log_conflict: str = ""


class Done(Struct, frozen=True):
    """What a step did. `done`: there is nothing left to do. The report is there once all is settled."""

    done: bool
    rows: int = 0
    report: Report | None = None


class _Kept(NamedTuple):
    progress: Progress
    tag: str


class Verification:
    """Carries out the steps of verifications. Methods raise ReadUnavailableError, LogUnavailableError."""

    def __init__(
        self,
        tables: Tables,
        kept: LogStore,
        *,
        begin: Callable[[], Agreed],
        conclude: Callable[[Agreed, SegmentResult], Report],
        kept_after_pages: int = KEPT_AFTER_PAGES,
    ) -> None:
        """`kept` is where progress and reports are kept, `begin` fixes what a run goes by."""
        self._tables = tables
        self._kept = kept
        self._begin = begin
        self._conclude = conclude
        self._kept_after_pages = kept_after_pages

    def walk(self, step: WalkStep, begin: Deadline, end: Deadline) -> Done:
        """Begin pages until `begin`, and one at least; the last request is answered by `end`."""
        agreed = self._agreed(step.rebuild)
        kept = self._progress(step.rebuild, step.segment) or _Kept(
            Progress(segment=step.segment, segments=step.segments), ""
        )
        walker = SegmentWalker(self._tables, agreed.terms, kept.progress)
        tag, rows, pages = kept.tag, 0, 0
        while not walker.progress.done:
            rows += walker.page(end)
            pages += 1
            ends = walker.progress.done or not begin.allows_attempt()
            if not ends and pages % self._kept_after_pages:
                continue
            following = self._keep(step, walker.progress, tag)
            if following is None:  # somebody else carries out the same step, and has come further
                return Done(done=False, rows=rows)
            tag = following
            if ends:
                break
        return Done(done=walker.progress.done, rows=rows)

    def settle(self, step: SettleStep, begin: Deadline, end: Deadline) -> Done:
        """Merge what was seen, compare, and write the report. If a segment is not done, it is walked on first.

        A report that is complete is final. One that says what was not checked is made anew. Raises VerificationError if
        no segment was begun.
        """
        name = f"{FOLDER}{step.rebuild}/findings.json"
        found = self._kept.get(name)
        if found is not None and not (report := _decoded(found.content, Report)).unchecked:
            return Done(done=True, report=report)
        seen = SegmentResult()
        for segment in range(self._segments(step.rebuild)):
            kept = self._progress(step.rebuild, segment)
            if kept is None or not kept.progress.done:
                left = WalkStep(step.rebuild, segment, self._segments(step.rebuild))
                return Done(done=False, rows=self.walk(left, begin, end).rows)
            seen.merge(kept.progress.result)
        report = self._conclude(self._agreed(step.rebuild), seen)
        self._put(name, report, found.tag if found else "")
        return Done(done=True, report=report)

    def _agreed(self, run: str) -> Agreed:
        """What the run goes by: whoever writes it first has fixed it."""
        name = f"{FOLDER}{run}/terms.json"
        found = self._kept.get(name)
        if found is None:
            self._put(name, self._begin(), "")
            found = self._kept.get(name)
        if found is None:
            raise VerificationError(f"{name} was written, and is not there")
        return _decoded(found.content, Agreed)

    def _segments(self, run: str) -> int:
        first = self._progress(run, 0)
        if first is None:
            raise VerificationError(f"the run {run} has not walked over anything")
        return first.progress.segments

    def _progress(self, run: str, segment: int) -> _Kept | None:
        found = self._kept.get(_segment_name(run, segment))
        return None if found is None else _Kept(_decoded(found.content, Progress), found.tag)

    def _keep(self, step: WalkStep, progress: Progress, tag: str) -> str | None:
        """The tag of what was written; None if something else stands there by now."""
        name, content = _segment_name(step.rebuild, step.segment), msgspec.json.encode(progress)
        self._kept.replace(name, content, JSON, tag=tag)
        found = self._kept.get(name)
        return found.tag if found is not None and found.content == content else None

    def _put(self, name: str, document: Struct, tag: str) -> None:
        self._kept.replace(name, msgspec.json.encode(document), JSON, tag=tag)


def _segment_name(run: str, segment: int) -> str:
    return f"{FOLDER}{run}/{segment:04}.json"


def _decoded(content: bytes, kind: type[T]) -> T:
    """Raises VerificationError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise VerificationError(f"what was kept of the verification is not readable: {error}") from error
