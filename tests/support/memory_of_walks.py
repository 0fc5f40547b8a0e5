"""Runs a walk over a long history, and prints the most memory that the process had, in bytes.

`python -m tests.support.memory_of_walks rebuild|compare|verify PROJECTION ACCOUNTS EVENTS_OF_EACH`
"""

from __future__ import annotations

import resource
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.comparison.comparison import Comparison
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.memory import MemoryControlRow, MemoryReadModel, MemorySegments, MemoryTable
from lambdas.projections.projection import AnyProjection
from lambdas.projections.rebuild import Rebuild, WalkStep
from lambdas.projections.registry import projection
from lambdas.verification.beginning import terms
from lambdas.verification.in_process import walk_all
from lambdas.verification.log import Log, terms_of
from lambdas.verification.verification import Conclusion
from tests.support.log_signer import verifies
from tests.support.long_history import FoldedHistory, LongHistory
from tests.support.verified_history import FolderLogStore, VerifiedHistory, seal_history

AT = "2026-03-01T12:00:00.000Z"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def rebuild(of: AnyProjection, accounts: int, events: int) -> None:
    """One step that walks all, into a read model in memory."""
    table, history = MemoryTable(), LongHistory(accounts, events)
    rows: MemoryReadModel[Any] = MemoryReadModel(table)
    control = MemoryControlRow(table)
    control.change(control.read(), control.read().started("first", segments=1, at=AT))
    folder = AccountFolder(of, rows, history, remembered_rows=1000)
    process = Rebuild(history, folder, rows, control, MemorySegments(table))
    done = process.walk(WalkStep(1, "first", 0, 1), Deadline(600), Deadline(600))
    assert (done.done, done.folded) == (True, accounts * events)


def compare(of: AnyProjection, accounts: int, events: int) -> None:
    """With a read model that is made as it is asked for."""
    history: Any = LongHistory(accounts, events)
    rows: Any = FoldedHistory(of, history, accounts)
    found = Comparison(of, history, history, rows, history, segments=1).compare(1, AT)
    assert (found.accounts, found.events, found.differences) == (accounts, accounts * events, {})


def verify(of: AnyProjection, accounts: int, events: int) -> None:
    """Event table and log, which is in a folder."""
    history = VerifiedHistory(accounts, events)
    with TemporaryDirectory() as folder:
        store = FolderLogStore(Path(folder))
        public_key = seal_history(history, store).public_key()
        log = terms_of(store, history)  # type: ignore[arg-type]
        assert log is not None
        agreed = terms(NOW, settle=timedelta(), pending=timedelta(), log=log)
        seen = walk_all(history.tables(), agreed, segments=1)
        conclusion = Conclusion(history.tables(), agreed, seen, segments=1)
        conclusion.check_log(Log(store, log, agreed.salt, public_key=public_key, verify=verifies))
        report = conclusion.report()
    assert (report.events, report.counts, report.unchecked) == (accounts * events, {}, {})
    assert report.log is not None
    assert report.log.size == accounts * events


if __name__ == "__main__":
    what, name, of_accounts, of_events = sys.argv[1:]
    {"rebuild": rebuild, "compare": compare, "verify": verify}[what](projection(name), int(of_accounts), int(of_events))
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{kilobytes * (1 if sys.platform == 'darwin' else 1024)}\n")
