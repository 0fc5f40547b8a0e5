"""Projections that are wrong in one place each: the seeded runs must find every one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control, ControlRow
from lambdas.projections.folding import filling, folder, gate, restores
from lambdas.projections.folding.row_cache import RowCache
from lambdas.projections.folding.steps import Steps
from lambdas.projections.folding.taken import Delivered, EventSource
from lambdas.projections.memory import MemoryReadModel, MemoryTable
from lambdas.projections.projection import Additions
from lambdas.projections.read_model import AccountRow, Gate
from lambdas.projections.rebuild import Rebuild
from lambdas.projections.stream.projector import Projector, Taking
from tests.support.projections.containers import Parts
from tests.support.projections.ledger import Ledger

Plant = Callable[[pytest.MonkeyPatch], Parts]
"""Puts a fault into the code, or into the parts of a world."""


class UnconditionalReadModel(MemoryReadModel[Any]):
    """Writes whatever the row is."""

    def save(
        self, generation: int, before: AccountRow[Any], after: AccountRow[Any], additions: Additions, deadline: Deadline
    ) -> None:
        """Without the condition."""
        super().save(generation, self.load(generation, after.account_id, deadline), after, additions, deadline)


class UngatedReadModel(MemoryReadModel[Any]):
    """Adds to shared rows in a request of their own."""

    def __init__(self, table: MemoryTable) -> None:
        super().__init__(table)
        self._rows = table

    def save(
        self, generation: int, before: AccountRow[Any], after: AccountRow[Any], additions: Additions, deadline: Deadline
    ) -> None:
        """First the shared rows, then the gate."""
        for key, measures in additions.items():
            row = self._rows.shared.setdefault((generation, key), {})
            for name, amount in measures.items():
                row[name] = row.get(name, 0) + amount
        super().save(generation, before, after, {}, deadline)


class TrustingReadModel(MemoryReadModel[Any]):
    """Leaves events to a rebuild without asking whether it still walks."""

    def __init__(self, table: MemoryTable) -> None:
        super().__init__(table)
        self._notes = table.deferred

    def defer(self, generation: int, account_id: str, rebuild: str, deadline: Deadline) -> bool:
        """Without the check."""
        self._notes[generation, account_id] = rebuild
        return True


class RememberedControlRow:
    """Reads the control row every third time only."""

    def __init__(self, row: ControlRow) -> None:
        self._row = row
        self._known: Control | None = None
        self._reads = 0

    def read(self) -> Control:
        """As it was."""
        self._reads += 1
        if self._known is None or self._reads % 3 == 0:
            self._known = self._row.read()
        return self._known

    def change(self, before: Control, after: Control) -> None:
        """See ControlRow.change."""
        self._row.change(before, after)


class LateEvents:
    """Shows an account's newest event the second time only."""

    def __init__(self, events: EventSource) -> None:
        self._events = events
        self._newest: dict[str, int] = {}

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """Eventually consistent."""
        known = self._newest.get(account_id, 0)
        for event in self._events.read(account_id, after=after, up_to=up_to):
            self._newest[account_id] = max(self._newest.get(account_id, 0), event.streamversion)
            if up_to is None and event.streamversion > known + 1:
                return
            yield event


class LateScan:
    """Shows a page of the table without its newest row."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(self, segment: int, segments: int, after: str, limit: int) -> tuple[list[Delivered], str]:
        """Eventually consistent."""
        rows, following = self._ledger.page(segment, segments, after, limit)
        return rows[: max(1, len(rows) - 1)] if random.Random(following).random() < 0.5 else rows, following


def _gap_twice(patch: pytest.MonkeyPatch) -> Parts:
    def fold(steps: Steps[Any], event: AccountDomainEvent, start: int) -> None:
        steps.fold(event)

    patch.setattr(filling, "_fold_or_compare", fold)
    return Parts()


def _no_comparison(patch: pytest.MonkeyPatch) -> Parts:
    def fold(steps: Steps[Any], event: AccountDomainEvent, start: int) -> None:
        if event.streamversion > start:
            steps.fold(event)

    patch.setattr(filling, "_fold_or_compare", fold)
    return Parts()


def _remembers_stopped(patch: pytest.MonkeyPatch) -> Parts:
    def put(self: RowCache[Any], generation: int, row: AccountRow[Any]) -> None:
        self._rows[generation, row.account_id] = row

    patch.setattr(RowCache, "put", put)
    return Parts()


def reads_before_it_goes_on(patch: pytest.MonkeyPatch) -> Parts:
    def go_on(steps: Steps[Any], events: EventSource, deadline: Deadline) -> bool:
        done = (restores._undo if gate.holds_revoked(steps.gate) else restores._confirm)(steps, events, deadline)
        return done and (bool(steps.gate.stopped) or filling.fill(steps, events, deadline))

    patch.setattr(restores, "go_on", go_on)
    patch.setattr(folder, "go_on", go_on)
    return Parts()


def _notes_no_restore(patch: pytest.MonkeyPatch) -> Parts:
    genuine = gate.with_restore

    def with_restore(before: Gate, event: RestoredEvent) -> Gate:
        after = genuine(before, event)
        return after if gate.holds_revoked(after) else before

    patch.setattr(gate, "with_restore", with_restore)
    return Parts()


def _learns_no_restore(patch: pytest.MonkeyPatch) -> Parts:
    patch.setattr(Rebuild, "_learn_restores", lambda *_: [])
    return Parts()


def _never_waits(patch: pytest.MonkeyPatch) -> Parts:
    genuine = Projector.take

    def take(self: Projector[Any], *given: Any) -> Taking:
        return replace(genuine(self, *given), waiting=())

    patch.setattr(Projector, "take", take)
    return Parts()


def _live_only(patch: pytest.MonkeyPatch) -> Parts:
    class Row(RememberedControlRow):
        def read(self) -> Control:
            control = self._row.read()
            return replace(control, building=None) if control.live else control

    return Parts(projectors_control=Row)


MUTANTS: dict[str, Plant] = {
    "the condition is dropped": lambda _: Parts(rows=UnconditionalReadModel),
    "the gate is left out of the transaction": lambda _: Parts(rows=UngatedReadModel),
    "a gap's first event is folded twice": _gap_twice,
    "a gap is filled without comparing the gate's event": _no_comparison,
    "the walk starts before projectors fold for the generation": lambda _: Parts(
        projectors_control=RememberedControlRow
    ),
    "projectors fold for the live generation only": _live_only,
    "an account is read eventually consistent": lambda _: Parts(events=LateEvents),
    "the table is walked eventually consistent": lambda _: Parts(scan=LateScan),
    "a stopped account is remembered": _remembers_stopped,
    "a restore is noted only where it undoes something": _notes_no_restore,
    "a generation does not learn what was revoked before it began": _learns_no_restore,
    "a batch is through although accounts wait": _never_waits,
}
