"""Steps of a rebuild: segments of the event table are walked, and then what was left to the walk is settled.

Every step does a part, as long as there is time, and says whether it is done; so it is repeated until it is. Rows go
through the same gate as live events: what was folded before is a duplicate, and a row out of order is a gap like any
other. A segment's progress is written after each page, under the id of the rebuild: a step that was killed begins its
page again, and a run from which the rebuild was taken over is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, Generic

from msgspec import Struct
from msgspec.structs import replace

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_walk import TableWalk, WalkedPage
from lambdas.projections.control import Building, Control, ControlRow
from lambdas.projections.errors import ControlChangedError, ControlError, RebuildRunningError
from lambdas.projections.folding.folder import AccountFolder, Outcome
from lambdas.projections.projection import K
from lambdas.projections.read_model import ReadModel, Units
from lambdas.projections.segments import Segment, Segments
from lambdas.projections.stream.projector import Stopped
from lambdas.projections.walked_events import events_by_account

WORKERS: Final = 8
"""Accounts of a page that are folded at a time."""
SETTLED_AT_ONCE: Final = 100
"""Deferred accounts between two looks at the time."""
FIRST: Final = 0
"""The segment whose walk begins with what restores have revoked."""
MAX_CHANGES: Final = 5
"""How often a change of the control row is tried when operators change it meanwhile."""


class WalkStep(Struct, frozen=True, tag_field="step", tag="walk"):
    """Walk on in one segment of the event table."""

    generation: int
    rebuild: str
    segment: int
    segments: int


class SettleStep(Struct, frozen=True, tag_field="step", tag="settle"):
    """Bring the accounts that were left to the walk up to date, and declare the generation built."""

    generation: int
    rebuild: str


class Done(Struct, frozen=True, kw_only=True):
    """What a step did. `done`: there is nothing left to do. `folded` counts events, `stopped` those stopped by it.

    Units are what the walk and the read model's table took; what filling gaps read is not in them.
    """

    done: bool
    rows: int = 0
    folded: int = 0
    settled: int = 0
    units: Units = Units()
    stopped: tuple[Stopped, ...] = ()


class Rebuild(Generic[K]):
    """Carries out the steps of rebuilds of one projection. `event_table` is the name of the table that `walk` reads.

    Each step gets two deadlines: `begin`, until which it begins another page, and `end`, by which its last request is
    answered. It does at least one page, so that a rebuild comes to its end however short the time is. Both raise
    RebuildRunningError if another run has taken the rebuild over, ControlError if the generation is not being built,
    ReadModelUnavailableError and ReadUnavailableError.
    """

    def __init__(
        self,
        walk: TableWalk,
        folder: AccountFolder[K],
        rows: ReadModel[K],
        control: ControlRow,
        segments: Segments,
        *,
        event_table: str = "",
        workers: int = WORKERS,
    ) -> None:
        self._walk = walk
        self._event_table = event_table
        self._folder = folder
        self._rows = rows
        self._control = control
        self._segments = segments
        self._workers = workers

    def walk(self, step: WalkStep, begin: Deadline, end: Deadline) -> Done:
        """Fold page after page of the segment. Nothing is left to do in it once the walk has ended.

        The first segment begins with the restores that were noted: what they revoked may be delivered again. A segment
        that was begun in another event table, which a restore has replaced, is walked from its beginning: what would
        follow could be of another history, and look as if it were next.
        """
        tally = _Tally(self._rows)
        if not self._is_walking(step):
            return tally.result(done=True)
        progress = self._segments.load(step.generation, step.segment)
        if progress is None:
            if step.segment == FIRST and not tally.add(step.generation, self._learn_restores(step.generation, end)):
                return tally.result(done=False)
            progress = Segment(generation=step.generation, number=step.segment, rebuild=step.rebuild)
        elif progress.event_table != self._event_table and not progress.done:
            progress = replace(progress, after="")
        progress = replace(progress, rebuild=step.rebuild, event_table=self._event_table)
        while not progress.done:
            page = self._walk.page(step.segment, step.segments, progress.after, end)
            if not tally.add(step.generation, self._fold(step.generation, page, end), page):
                break
            progress = _advanced(progress, page, tally.taken())
            self._segments.save(progress)
            if not begin.allows_attempt():
                break
        return tally.result(done=progress.done)

    def settle(self, step: SettleStep, begin: Deadline, end: Deadline) -> Done:
        """End the walk: from here on nothing is left to it. Bring what was left up to date, then declare it built.

        A segment that is not walked to its end, by what is noted, is walked on first: a note that was sent twice may
        have arrived late and put the segment's progress back.
        """
        left = self._left(step)
        if left is not None:
            return replace(self.walk(left, begin, end), done=False)
        tally = _Tally(self._rows)
        if not self._change(step, lambda control: _settling(control, step.rebuild)):
            return tally.result(done=True)
        for accounts in _chunks(self._rows.deferred(step.generation), SETTLED_AT_ONCE):
            outcomes = self._each(accounts, lambda each: self._catch_up(step.generation, each, end))
            if not (tally.settle(step.generation, outcomes) and begin.allows_attempt()):
                return tally.result(done=False)
        self._change(step, lambda control: control.built(step.rebuild))
        return tally.result(done=True)

    def _is_walking(self, step: WalkStep) -> bool:
        building = _own(self._control.read(), step)
        if building is None or building.state != "walking":
            return False
        if building.segments != step.segments or not 0 <= step.segment < step.segments:
            raise ControlError(f"The rebuild {step.rebuild} walks in {building.segments} segments.")
        return True

    def _fold(self, generation: int, page: WalkedPage, end: Deadline) -> list[Outcome[K]]:
        accounts = events_by_account(page.rows)
        return self._each(accounts, lambda each: self._folder.take(generation, each, accounts[each], end))

    def _learn_restores(self, generation: int, end: Deadline) -> list[Outcome[K]]:
        """What projectors note from here on they fold into this generation, too: the control row names it."""
        accounts: defaultdict[str, list[RestoredEvent]] = defaultdict(list)
        for event in self._rows.restores():
            accounts[event.subject].append(event)
        return self._each(accounts, lambda each: self._folder.take(generation, each, accounts[each], end))

    def _catch_up(self, generation: int, account_id: str, end: Deadline) -> Outcome[K]:
        outcome = self._folder.catch_up(generation, account_id, end)
        if not outcome.waiting:
            self._rows.undefer(generation, account_id)
        return outcome

    def _each(self, accounts: Iterable[str], act: Callable[[str], Outcome[K]]) -> list[Outcome[K]]:
        """Several at a time. All have ended when one has raised."""
        with ThreadPoolExecutor(self._workers) as pool:
            return list(pool.map(act, accounts))

    def _left(self, step: SettleStep) -> WalkStep | None:
        """The first segment that is not walked to its end; None also after the walk."""
        building = _own(self._control.read(), step)
        if building is None or building.state != "walking":
            return None
        walked = {each.number for each in self._segments.all(step.generation) if each.done}
        for number in range(building.segments):
            if number not in walked:
                return WalkStep(step.generation, step.rebuild, number, building.segments)
        return None

    def _change(self, step: SettleStep, to: Callable[[Control], Control]) -> bool:
        """Whether there is something left to do: False if the generation is built."""
        for _ in range(MAX_CHANGES):
            control = self._control.read()
            if _own(control, step) is None:
                return False
            after = to(control)
            if after == control:
                return True
            try:
                self._control.change(control, after)
            except ControlChangedError:
                continue
            return True
        raise ControlChangedError(f"The control row was changed {MAX_CHANGES} times by somebody else.")


class _Tally(Generic[K]):
    """Adds up what a step does."""

    def __init__(self, rows: ReadModel[K]) -> None:
        self._rows = rows
        self._start = self._seen = rows.units
        self._read_units = 0.0
        self._walked = self._folded = self._settled = 0
        self._stopped: list[Stopped] = []

    def add(self, generation: int, outcomes: Iterable[Outcome[K]], page: WalkedPage | None = None) -> bool:
        """Whether all accounts came as far as they can: none waits for more time."""
        waiting = False
        for outcome in outcomes:
            waiting |= outcome.waiting
            self._folded += outcome.folded
            if outcome.stopped_now:
                gate = outcome.row.gate
                self._stopped.append(Stopped(generation, outcome.row.account_id, gate.version, gate.stopped))
        if page is not None:
            self._read_units += page.read_units
            self._walked += 0 if waiting else len(page.rows)
        return not waiting

    def settle(self, generation: int, outcomes: Sequence[Outcome[K]]) -> bool:
        """The same, of accounts that were left to the walk."""
        self._settled += sum(not outcome.waiting for outcome in outcomes)
        return self.add(generation, outcomes)

    def taken(self) -> Units:
        """What the read model's table has taken since the last call."""
        before, self._seen = self._seen, self._rows.units
        return _difference(before, self._seen)

    def result(self, *, done: bool) -> Done:
        """The whole step."""
        taken = _difference(self._start, self._rows.units)
        return Done(
            done=done,
            rows=self._walked,
            folded=self._folded,
            settled=self._settled,
            units=Units(taken.read + self._read_units, taken.write),
            stopped=tuple(self._stopped),
        )


def _own(control: Control, step: WalkStep | SettleStep) -> Building | None:
    """The generation that is being built, if it is the step's; None if that was built before.

    Raises RebuildRunningError, ControlError.
    """
    building = control.building
    if building is None or building.generation != step.generation:
        if step.generation in control.generations:
            return None
        raise ControlError(f"Generation {step.generation} is not being built.")
    if building.rebuild != step.rebuild:
        raise RebuildRunningError(building.rebuild)
    return None if building.state == "built" else building


def _settling(control: Control, rebuild: str) -> Control:
    walks = control.walking is not None
    return control.settling(rebuild) if walks else control


def _advanced(progress: Segment, page: WalkedPage, taken: Units) -> Segment:
    return replace(
        progress,
        after=page.after,
        rows=progress.rows + len(page.rows),
        read_units=progress.read_units + page.read_units + taken.read,
        write_units=progress.write_units + taken.write,
        done=not page.after,
    )


def _difference(before: Units, after: Units) -> Units:
    return Units(after.read - before.read, after.write - before.write)


def _chunks(of: Iterator[str], size: int) -> Iterator[list[str]]:
    while chunk := list(islice(of, size)):
        yield chunk
