"""One account with ten events, a read model, and a folder whose requests are counted."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building
from lambdas.projections.folding.folder import AccountFolder, Outcome
from lambdas.projections.memory import MemoryReadModel, MemoryTable
from lambdas.projections.projection import AnyProjection
from tests.support.event_rows import account_id
from tests.support.projections.counting import Counting
from tests.support.projections.ledger import Ledger
from tests.support.projections.reference import flat
from tests.support.projections.samples import WIDE, poisoned_by, wide_reference

ACCOUNT = account_id(1)
WALKING = Building(generation=1, rebuild="rebuild", segments=1, started_at="2026-03-01T12:00:00.000Z")
LATE = Deadline(0)
"""A time budget that is used up."""


class Place:
    """A read model, a ledger of one account with ten events, and a folder."""

    def __init__(self, projection: AnyProjection = WIDE) -> None:
        self.table, self.calls = MemoryTable(), Counter[str]()
        self.ledger = Ledger(random.Random(8), currencies=["EUR"])
        self.poison: set[str] = set()
        for _ in range(10):
            self.ledger.append(ACCOUNT)
        self.published = list(self.ledger.table[ACCOUNT])
        rows = Counting(MemoryReadModel[Any](self.table), self.calls)
        self.folder: AccountFolder[Any] = AccountFolder(
            poisoned_by(projection, self.poison), rows, Counting(self.ledger, self.calls)
        )

    def take(self, *given: Any, deadline: Deadline | None = None, walking: Building | None = None) -> Outcome[Any]:
        """By version, or what else is delivered."""
        events = [self.published[each - 1] if isinstance(each, int) else each for each in given]
        return self.folder.take(1, ACCOUNT, events, deadline or Deadline(), walking=walking)

    def catch_up(self, *, restart: bool = False) -> Outcome[Any]:
        return self.folder.catch_up(1, ACCOUNT, Deadline(), restart=restart)

    def restore(self, last_good: int) -> RestoredEvent:
        self.ledger.restore(ACCOUNT, last_good)
        return self.ledger.announce(ACCOUNT)

    def judge(self, version: int, stopped: str = "") -> None:
        """The row and shared rows are the fold of the ledger's first events, and nothing else."""
        row = self.table.accounts[1, ACCOUNT]
        assert (row.gate.version, row.gate.stopped) == (version, stopped)
        history = self.ledger.prefixes[ACCOUNT, row.gate.rowhash] if version else ()
        assert len(history) == version
        kept, totals = wide_reference(history)
        assert row.kept == kept
        assert flat({key: shared for (_, key), shared in self.table.shared.items()}) == totals
