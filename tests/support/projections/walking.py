"""A rebuild, a page at a time: what may end between any two requests, and be taken up by another."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable

from msgspec.structs import replace

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building, ControlRow
from lambdas.projections.errors import ControlError, RebuildRunningError
from lambdas.projections.folder import AccountFolder
from lambdas.projections.read_model import ReadModel
from lambdas.projections.segments import Segment, Segments
from lambdas.projections.taken import Taken
from tests.support.projections.faults import Scanned


class Walker:
    """A run of a rebuild. It remembers nothing: where it is stands in the control row and the segments."""

    def __init__(
        self,
        rebuild: str,
        folder: AccountFolder[object],
        rows: ReadModel[object],
        control: ControlRow,
        segments: Segments,
        scan: Callable[[], Scanned],
        rng: random.Random,
        *,
        page: int,
    ) -> None:
        self.rebuild = rebuild
        self._folder = folder
        self._rows = rows
        self._control = control
        self._segments = segments
        self._scan = scan
        self._rng = rng
        self._page = page

    def step(self, deadline: Deadline) -> bool:
        """Go on by a page, an account that was left, or a change of the control row. False: there is nothing to do.

        Raises RebuildRunningError if another run has taken over, ControlError if the generation was dropped.
        """
        control = self._control.read()
        building = control.building
        if building is None:
            raise ControlError("nothing is built")
        if building.rebuild != self.rebuild:
            raise RebuildRunningError(building.rebuild)
        if building.state == "built":
            return False
        if building.state == "settling":
            if self._settle(building, deadline):
                self._control.change(control, control.built(self.rebuild))
            return True
        todo = [each for each in map(self._progress(building), range(building.segments)) if not each.done]
        if todo:
            self._walk(building, self._rng.choice(todo), deadline)
        else:
            self._control.change(control, control.settling(self.rebuild))
        return True

    def _progress(self, building: Building) -> Callable[[int], Segment]:
        def load(number: int) -> Segment:
            begin = Segment(generation=building.generation, number=number, rebuild=self.rebuild)
            return self._segments.load(building.generation, number) or begin

        return load

    def _walk(self, building: Building, segment: Segment, deadline: Deadline) -> None:
        rows, after = self._scan().page(segment.number, building.segments, segment.after, self._page)
        self._rng.shuffle(rows)
        accounts: defaultdict[str, list[Taken]] = defaultdict(list)
        for row in rows:
            accounts[row.subject if hasattr(row, "subject") else row.account_id].append(row)
        for account, events in accounts.items():
            if self._folder.take(building.generation, account, events, deadline).waiting:
                return
        self._segments.save(replace(segment, rebuild=self.rebuild, after=after, done=not after))

    def _settle(self, building: Building, deadline: Deadline) -> bool:
        for account in self._rows.deferred(building.generation):
            if self._folder.catch_up(building.generation, account, deadline).waiting:
                return False
            self._rows.undefer(building.generation, account)
        return True
