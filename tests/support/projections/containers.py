"""The processes of a world, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import ControlRow
from lambdas.projections.folding import steps
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.folding.taken import EventSource
from lambdas.projections.memory import MemoryControlRow, MemoryReadModel, MemorySegments, MemoryTable
from lambdas.projections.projection import Additions
from lambdas.projections.read_model import AccountRow, ReadModel
from lambdas.projections.rebuild import Rebuild
from lambdas.projections.stream.projector import Projector
from tests.support.projections.faults import (
    RemoteControlRow,
    RemoteEvents,
    RemoteReadModel,
    RemoteSegments,
    Scanned,
)
from tests.support.projections.ledger import Ledger
from tests.support.projections.samples import poisoned_by
from tests.support.projections.walking import LedgerWalk

if TYPE_CHECKING:
    from tests.support.projections.world import World


@dataclass(frozen=True)
class Parts:
    """What the world is made of; a mutant changes one of them."""

    rows: Callable[[MemoryTable], ReadModel[Any]] = MemoryReadModel
    projectors_control: Callable[[ControlRow], ControlRow] = lambda row: row
    events: Callable[[EventSource], EventSource] = lambda events: events
    scan: Callable[[Ledger], Scanned] = lambda ledger: ledger


class Container:
    """A process: what it remembers is gone when it ends."""

    def __init__(self, world: World) -> None:
        rows = RemoteReadModel(Watched(world.parts.rows(world.table), world), world)
        control = RemoteControlRow(MemoryControlRow(world.table), world)
        events = RemoteEvents(world.parts.events(world.ledger), world, world.page)
        projection = poisoned_by(world.sample.projection, world.poison)
        self.rows, self.control = rows, control
        self.projector = Projector(projection, rows, world.parts.projectors_control(control), events, workers=1)
        walk = LedgerWalk(lambda: world.parts.scan(world.ledger), world, world.rng, world.page * 2)
        segments = RemoteSegments(MemorySegments(world.table), world)
        folder = AccountFolder(projection, rows, events)
        self.rebuild = Rebuild(walk, folder, rows, control, segments, workers=1)


class Watched:
    """A ReadModel whose writes are judged at once."""

    def __init__(self, rows: ReadModel[Any], world: World) -> None:
        self._rows = rows
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def save(
        self, generation: int, before: AccountRow[Any], after: AccountRow[Any], additions: Additions, deadline: Deadline
    ) -> None:
        """See ReadModel.save."""
        assert len(additions) <= vars(steps)["MOST_SHARED_ROWS"]
        self._rows.save(generation, before, after, additions, deadline)
        self._world.counted["written"] += 1
        self._world.judge.at_every_moment(generation)
