"""A read model in memory, and the events of the accounts that feed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.eventsourcing.rows import EventRow
from lambdas.projections.control import Control
from lambdas.projections.memory import MemoryControlRow, MemoryPositions, MemoryReadModel, MemoryTable


class RecordedEvents:
    """An EventSource over rows that a test gives."""

    def __init__(self, rows: Iterable[EventRow] = ()) -> None:
        self.rows = list(rows)
        self.reads = 0

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """See EventSource.read."""
        self.reads += 1
        for row in sorted(self.rows, key=lambda each: each.version):
            if row.stream_id == account_id and after < row.version and (up_to is None or row.version <= up_to):
                yield domain_event(row)


class MemoryTables:
    """What stands in the table of one projection, as `open_table` gives it. Generation 1 is live, unless said so."""

    def __init__(self, control: Control | None = None) -> None:
        self.table = MemoryTable(control=Control(live=1, newest=1) if control is None else control)
        self.rows: MemoryReadModel[Any] = MemoryReadModel(self.table)
        self.control = MemoryControlRow(self.table)
        self.positions = MemoryPositions(self.table)
        self.stopped = self.rows.stopped

    def gates(self, generation: int = 1) -> dict[str, int]:
        """The version up to which each account is folded."""
        return {
            account_id: row.gate.version
            for (number, account_id), row in self.table.accounts.items()
            if number == generation
        }
