"""What must hold of a read model: at every moment, at rest, and of a generation that was just built."""

from __future__ import annotations

from collections.abc import Collection

from lambdas.projections.folding.restores import HOLDS_REVOKED
from lambdas.projections.memory import MemoryTable
from lambdas.projections.read_model import AccountRow
from tests.support.projections.ledger import Ledger
from tests.support.projections.reference import History, Reference, Totals, added, flat, without_zeros


class Judge:
    """Holds a read model in memory against the histories of a ledger."""

    def __init__(self, table: MemoryTable, ledger: Ledger, reference: Reference) -> None:
        self._table = table
        self._ledger = ledger
        self._reference = reference

    def at_every_moment(self, generation: int) -> None:
        """Each account's row is the fold of the history that its gate names, and shared rows are what these add.

        Nobody reads a generation that was dropped.
        """
        if generation not in self._table.control.generations:
            return
        totals = []
        for (number, account), row in self._table.accounts.items():
            if number != generation:
                continue
            history = self._ledger.prefixes[account, row.gate.rowhash] if row.gate.version else ()
            kept, adds = self._reference(history)
            assert row.gate.version == len(history)
            assert row.kept == kept, f"{account} at version {row.gate.version} of generation {generation}"
            totals.append(adds)
        assert self._shared(generation) == added(totals), f"shared rows of generation {generation}"

    def at_rest(self, generation: int, rewritten: Collection[str]) -> int:
        """Each account's row is the fold of all that the table has; only what no release can mend is stopped.

        Gives how many are: those that were rewritten, and those whose revoked events cannot be taken back.
        """
        self.at_every_moment(generation)
        return sum(
            self._is_stopped(generation, account, tuple(rows), may_differ=account in rewritten)
            for account, rows in self._ledger.table.items()
        )

    def when_new(self, generation: int) -> None:
        """It is the fold of the table, whatever happened before."""
        histories = {account: tuple(rows) for account, rows in self._ledger.table.items() if rows}
        references = {account: self._reference(history) for account, history in histories.items()}
        rows = {account: row for (number, account), row in self._table.accounts.items() if number == generation}
        kept = {account: row.kept for account, row in rows.items() if row.kept is not None}
        assert not [row for row in rows.values() if row.gate.stopped]
        assert kept == {account: reference[0] for account, reference in references.items()}
        assert self._shared(generation) == without_zeros(added(adds for _, adds in references.values()))

    def _is_stopped(self, generation: int, account: str, history: History, *, may_differ: bool) -> bool:
        row = self._table.accounts.get((generation, account)) or AccountRow(account)
        if row.gate.stopped:
            differs = all(each.rowhash != row.gate.rowhash for each in history)
            assert (differs and may_differ) or row.gate.stopped == HOLDS_REVOKED, row.gate
            return True
        assert row.gate.version == len(history), f"{account} in generation {generation}: {row.gate}"
        assert row.kept == self._reference(history)[0]
        return False

    def _shared(self, generation: int) -> Totals:
        return flat({key: row for (number, key), row in self._table.shared.items() if number == generation})
