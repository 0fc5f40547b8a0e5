"""A read model in the memory of one process: for tests, benchmarks and trying a projection out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control
from lambdas.projections.errors import ControlChangedError, ControlError, RebuildRunningError, RowChangedError
from lambdas.projections.lag import Lag, Position
from lambdas.projections.projection import Additions, K
from lambdas.projections.read_model import MOST_SHARED_ROWS, AccountRow, Units
from lambdas.projections.segments import Segment


@dataclass
class MemoryTable:
    """What the ports of one projection work on together. Everything is read and written with `lock` held."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    control: Control = field(default_factory=Control)
    accounts: dict[tuple[int, str], AccountRow[Any]] = field(default_factory=dict)
    """By generation and account id."""
    shared: dict[tuple[int, str], dict[str, int]] = field(default_factory=dict)
    """Measures by generation and key."""
    deferred: dict[tuple[int, str], str] = field(default_factory=dict)
    """The rebuild by generation and account id."""
    restores: dict[str, RestoredEvent] = field(default_factory=dict)
    """By id."""
    segments: dict[tuple[int, int], Segment] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    lag: Lag | None = None


class MemoryReadModel(Generic[K]):
    """A ReadModel with the conditions of the DynamoDB one, thread-safe, always available, and without a price."""

    units = Units()

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def load(self, generation: int, account_id: str, deadline: Deadline) -> AccountRow[K]:  # noqa: ARG002 - the port
        """See ReadModel.load."""
        with self._table.lock:
            return self._table.accounts.get((generation, account_id)) or AccountRow(account_id)

    def save(
        self,
        generation: int,
        before: AccountRow[K],
        after: AccountRow[K],
        additions: Additions,
        deadline: Deadline,  # noqa: ARG002 - part of the port
    ) -> None:
        """See ReadModel.save. Raises ValueError for more shared rows than one transaction holds."""
        if len(additions) > MOST_SHARED_ROWS:
            raise ValueError(f"{len(additions)} shared rows are more than one transaction holds")
        with self._table.lock:
            key = (generation, after.account_id)
            current = self._table.accounts.get(key) or AccountRow(after.account_id)
            if current.gate == after.gate:
                return
            if current.gate != before.gate:
                raise RowChangedError(current)
            self._table.accounts[key] = after
            for each, measures in additions.items():
                row = self._table.shared.setdefault((generation, each), {})
                for measure, amount in measures.items():
                    row[measure] = row.get(measure, 0) + amount

    def defer(self, generation: int, account_id: str, rebuild: str, deadline: Deadline) -> bool:  # noqa: ARG002
        """See ReadModel.defer."""
        with self._table.lock:
            walking = self._table.control.walking
            if walking is None or (walking.generation, walking.rebuild) != (generation, rebuild):
                return False
            self._table.deferred[generation, account_id] = rebuild
            return True

    def deferred(self, generation: int) -> Iterator[str]:
        """See ReadModel.deferred."""
        with self._table.lock:
            return iter(sorted(account for number, account in self._table.deferred if number == generation))

    def undefer(self, generation: int, account_id: str) -> None:
        """See ReadModel.undefer."""
        with self._table.lock:
            self._table.deferred.pop((generation, account_id), None)

    def note_restore(self, event: RestoredEvent, deadline: Deadline) -> None:  # noqa: ARG002 - part of the port
        """See ReadModel.note_restore."""
        with self._table.lock:
            self._table.restores[event.id] = event

    def restores(self) -> Iterator[RestoredEvent]:
        """See ReadModel.restores."""
        with self._table.lock:
            return iter([event for _, event in sorted(self._table.restores.items())])

    def stopped(self, generation: int) -> Iterator[AccountRow[K]]:
        """See ReadModel.stopped."""
        with self._table.lock:
            rows = sorted(self._table.accounts.items(), key=lambda each: each[0])
            return iter([row for (number, _), row in rows if number == generation and row.gate.stopped])

    def shared_rows(self, generation: int, first: str, last: str) -> dict[str, dict[str, int]]:
        """See ReadModel.shared_rows."""
        with self._table.lock:
            rows = sorted(self._table.shared.items(), key=lambda each: each[0])
            return {key: dict(row) for (number, key), row in rows if number == generation and first <= key <= last}

    def rows(self, generation: int, account_ids: Iterable[str]) -> dict[str, AccountRow[K]]:
        """See ReadModel.rows."""
        with self._table.lock:
            found = {each: self._table.accounts.get((generation, each)) for each in account_ids}
            return {account_id: row for account_id, row in found.items() if row is not None}


class MemoryControlRow:
    """A ControlRow that is always available."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def read(self) -> Control:
        """See ControlRow.read."""
        with self._table.lock:
            return self._table.control

    def change(self, before: Control, after: Control) -> None:
        """See ControlRow.change."""
        with self._table.lock:
            if self._table.control == after:
                return
            if self._table.control != before:
                raise ControlChangedError("The control row was changed by somebody else.")
            self._table.control = after


class MemorySegments:
    """Segments that are always available."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def all(self, generation: int) -> list[Segment]:
        """See Segments.all."""
        with self._table.lock:
            return [each for (number, _), each in sorted(self._table.segments.items()) if number == generation]

    def load(self, generation: int, number: int) -> Segment | None:
        """See Segments.load."""
        with self._table.lock:
            return self._table.segments.get((generation, number))

    def save(self, segment: Segment) -> None:
        """See Segments.save."""
        with self._table.lock:
            walking = self._table.control.walking
            if walking is None or walking.generation != segment.generation:
                raise ControlError(f"No rebuild walks for generation {segment.generation}.")
            if walking.rebuild != segment.rebuild:
                raise RebuildRunningError(walking.rebuild)
            self._table.segments[segment.generation, segment.number] = segment

    def drop(self, generation: int) -> None:
        """See Segments.drop."""
        with self._table.lock:
            for key in [each for each in self._table.segments if each[0] == generation]:
                del self._table.segments[key]
            for note in [each for each in self._table.deferred if each[0] == generation]:
                del self._table.deferred[note]


class MemoryPositions:
    """Positions that are always available."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def all(self) -> dict[str, Position]:
        """See Positions.all."""
        with self._table.lock:
            return dict(sorted(self._table.positions.items()))

    def save(self, position: Position, deadline: Deadline | None = None) -> None:  # noqa: ARG002 - part of the port
        """See Positions.save."""
        with self._table.lock:
            kept = self._table.positions.get(position.shard)
            if kept is None or int(kept.sequence_number) <= int(position.sequence_number):
                self._table.positions[position.shard] = position

    def lag(self) -> Lag | None:
        """See Positions.lag."""
        with self._table.lock:
            return self._table.lag

    def save_lag(self, lag: Lag) -> None:
        """See Positions.save_lag."""
        with self._table.lock:
            self._table.lag = lag


class MemoryAccounts:
    """An AccountWalk on a read model in memory; all in one segment."""

    def __init__(self, of: MemoryTable) -> None:
        self._table = of

    def pages(self, generation: int, segment: int, segments: int) -> Iterator[list[str]]:  # noqa: ARG002 - the port
        """See AccountWalk.pages."""
        with self._table.lock:
            kept = [key for key, row in self._table.accounts.items() if row.kept is not None]
        found = sorted(account for number, account in kept if number == generation)
        yield found if segment == 0 else []
