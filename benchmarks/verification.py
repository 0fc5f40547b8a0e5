"""Verifying everything in this process: events per CPU second, and what DynamoDB is paid for it.

The event table is made as it is read, the log stands in a folder. What Athena does for it is not measured here.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.projections import cpu_seconds
from benchmarks.report import Row
from cli.verify.estimating import cost_of
from cli.verify.opening import Size, Sizes
from lambdas.verification.beginning import terms
from lambdas.verification.in_process import walk_all
from lambdas.verification.log import Log, terms_of
from lambdas.verification.results import LogTerms, SegmentResult
from lambdas.verification.verification import Conclusion
from tests.support.log_signer import verifies
from tests.support.long_history import ROW_BYTES
from tests.support.verified_history import FolderLogStore, VerifiedHistory, seal_history

GROUP = "verification of everything, in process"
ACCOUNTS, HISTORY = 500, 10
ROUNDS = 5
MILLION = 1_000_000
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _rounds(store: FolderLogStore, log: LogTerms, public_key: bytes) -> Iterator[tuple[float, float]]:
    """CPU seconds of the walk, and of recomputing the log."""
    for _ in range(ROUNDS):
        history = VerifiedHistory(ACCOUNTS, HISTORY)
        agreed = terms(NOW, settle=timedelta(), pending=timedelta(), log=log)
        seen: list[SegmentResult] = []
        walked = cpu_seconds(lambda h=history, a=agreed, s=seen: s.append(walk_all(h.tables(), a, segments=1)))  # type: ignore[misc]
        conclusion = Conclusion(history.tables(), agreed, seen[0], segments=1)
        recomputed = Log(store, log, agreed.salt, public_key=public_key, verify=verifies)
        checked = cpu_seconds(lambda c=conclusion, r=recomputed: c.check_log(r))  # type: ignore[misc]
        report = conclusion.report()
        if (report.events, report.counts, report.unchecked) != (ACCOUNTS * HISTORY, {}, {}):
            raise RuntimeError(f"the verification found something: {report.findings}")
        yield walked, checked


def measure() -> Iterator[Row]:
    """Yield rates, and the read units of a million events."""
    history: Any = VerifiedHistory(ACCOUNTS, HISTORY)
    with TemporaryDirectory() as folder:
        store = FolderLogStore(Path(folder))
        public_key = seal_history(history, store).public_key()
        log = terms_of(store, history)
        if log is None:
            raise RuntimeError("nothing was sealed")
        walks, logs = zip(*_rounds(store, log, public_key), strict=True)
    events = ACCOUNTS * HISTORY
    for name, seconds in (("event table", walks), ("log", logs)):
        yield Row(group=GROUP, name=name, value=events / statistics.median(seconds), unit="events/CPU s")
    nothing = Size(0, 0)
    cost = cost_of(
        Sizes(Size(MILLION, MILLION * ROW_BYTES), nothing, nothing),
        accounts=MILLION // HISTORY, read_models=2, segments=8,
    )  # fmt: skip
    yield Row(
        group=GROUP, name="read units of a million events", value=cost.read_units, unit="units",
        note=f"{HISTORY} events an account, two read models, no receipts and no commands: ${cost.dollars:.2f}",
    )  # fmt: skip
