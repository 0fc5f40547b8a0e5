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
    unread,
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
        self._segments = RemoteSegments(MemorySegments(world.table), world)
        self._folder = AccountFolder(projection, rows, events)
        self._world = world

    def rebuild(self) -> Rebuild[Any]:
        """A function as it was deployed for the event table that there is now: it walks no other."""
        world, table = self._world, self._world.ledger.tables

        def scan() -> Scanned:
            if world.ledger.tables != table:
                raise unread()
            return world.parts.scan(world.ledger)

        walk = LedgerWalk(scan, world, world.rng, world.page * 2)
        name = f"events-{table}"
        return Rebuild(walk, self._folder, self.rows, self.control, self._segments, event_table=name, workers=1)


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
