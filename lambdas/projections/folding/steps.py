"""One account on its way: what is folded of it beyond its row, and is written step by step."""

from __future__ import annotations

from typing import Generic

from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.errors import AdditionRefusedError
from lambdas.projections.folding import gate as gates
from lambdas.projections.folding.fold_check import check
from lambdas.projections.projection import Additions, K, Projection
from lambdas.projections.read_model import MOST_SHARED_ROWS, AccountRow, Gate, ReadModel

STEP_EVENTS = 500
"""So many events are folded at the most until the row is written: as many as a page of the event table."""
REASON_CHARACTERS = 500
"""A gate keeps so much of the reason why its account is stopped."""


class Steps(Generic[K]):
    """Folds events that follow the gate one by one, and writes them in steps, each of which moves the gate.

    A step ends before the event that would make it change more than MOST_SHARED_ROWS shared rows, and after
    STEP_EVENTS. `row` is as it stands in the table; `gate` and `kept` are what it becomes with the step under way.
    Writing raises RowChangedError and ReadModelUnavailableError.
    """

    def __init__(
        self, projection: Projection[K], rows: ReadModel[K], generation: int, row: AccountRow[K], deadline: Deadline
    ) -> None:
        self._projection = projection
        self._rows = rows
        self._generation = generation
        self._deadline = deadline
        self.row = row
        self.gate: Gate = row.gate
        self.kept: K | None = row.kept
        self.additions: dict[str, dict[str, int]] = {}
        self.under_way = 0
        self.written = 0
        """How many events were folded and written since this began."""
        self._in_one_step = False

    def fold(self, event: AccountDomainEvent) -> None:
        """Fold the next event, unless the account is stopped.

        What the projection raises stops the account, and so does what no table can keep.
        """
        if self.gate.stopped:
            return
        try:
            folded = self._projection.fold(self.kept, event)
            check(self._projection, folded)
        except Exception as error:  # noqa: BLE001 - whatever a projection raises stops this account, and no other
            self.stop(f"Event {event.streamversion} cannot be folded: {type(error).__name__}: {error}")
            return
        if len(folded.additions) > MOST_SHARED_ROWS:
            self.stop(f"Event {event.streamversion} adds to {len(folded.additions)} rows: {MOST_SHARED_ROWS} can be.")
            return
        if self._is_full(folded.additions):
            self.end_step()
            if self.gate.stopped:
                return
        self.kept = folded.kept
        self.gate = gates.moved(self.gate, event, added=bool(folded.additions))
        self.under_way += 1
        self._add(folded.additions)

    def stop(self, reason: str) -> None:
        """The account goes on no further."""
        writable = reason[:REASON_CHARACTERS].encode(errors="replace").decode()
        self.gate = replace(self.gate, stopped=writable)

    def clear_stop(self) -> None:
        """The account is not stopped any more."""
        self.gate = replace(self.gate, stopped="")

    def know(self, restored: RestoredEvent) -> bool:
        """Note a restore in the gate. False if it is known."""
        before, self.gate = self.gate, gates.with_restore(self.gate, restored)
        return self.gate != before

    def begin_anew(self) -> None:
        """Drop what is folded, and fold from the account's first event on; all of that is written in one step."""
        self.gate, self.kept = Gate(revoked=self.gate.revoked), None
        self.additions, self.under_way = {}, 0
        self._in_one_step = True

    def give_up(self, gate: Gate) -> None:
        """Drop the step under way: the row keeps what it has, under this gate."""
        self.gate, self.kept = gate, self.row.kept
        self.additions, self.under_way = {}, 0
        self._in_one_step = False

    def end_step(self) -> None:
        """Write the step under way, unless all must be written in one."""
        if not self._in_one_step:
            self.write()

    def write(self) -> None:
        """Write the step under way, if there is anything to write. What the table does not add stops the account."""
        if self.gate == self.row.gate:
            return
        try:
            self._save()
        except AdditionRefusedError as error:
            self.give_up(replace(self.row.gate, revoked=self.gate.revoked))
            self.stop(str(error))
            self._save()

    def _save(self) -> None:
        after = AccountRow(self.row.account_id, self.gate, self.kept)
        self._rows.save(self._generation, self.row, after, self.additions, self._deadline)
        self.row = after
        self.written += self.under_way
        self.additions, self.under_way = {}, 0
        self._in_one_step = False

    def _is_full(self, more: Additions) -> bool:
        return self.under_way == STEP_EVENTS or len(self.additions.keys() | more.keys()) > MOST_SHARED_ROWS

    def _add(self, additions: Additions) -> None:
        for key, measures in additions.items():
            row = self.additions.setdefault(key, {})
            for measure, amount in measures.items():
                row[measure] = row.get(measure, 0) + amount
