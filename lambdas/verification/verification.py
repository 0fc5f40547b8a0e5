"""Compares what the walks over the tables have seen with receipts, commands, lake and log, and makes the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lambdas.athena.errors import QueryError
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.item_walk import ItemWalk
from lambdas.projections.comparison.account_check import WORDS
from lambdas.projections.comparison.comparison import Compared
from lambdas.projections.errors import ProjectionError
from lambdas.transparency.errors import LogConflictError, TransparencyError
from lambdas.verification import lake as lakes
from lambdas.verification import log as logs
from lambdas.verification.drilling import Side, Words, drill
from lambdas.verification.errors import VerificationError
from lambdas.verification.findings import Finding, Findings
from lambdas.verification.lake import Lake
from lambdas.verification.log import Log
from lambdas.verification.pointing import CommandCheck, PointerCheck, ReceiptCheck
from lambdas.verification.results import LogReport, Part, ReadModelReport, Report, SegmentResult, Terms
from lambdas.verification.row_digests import COMMANDS, LAKE, LOG, RECEIPTS
from lambdas.verification.sums import Sums
from lambdas.verification.table_side import PointerSide, TableSide
from lambdas.verification.walking import Tables

SEGMENTS: Final = 8
UNANSWERED: Final = (
    ReadUnavailableError, ProjectionError, QueryError, TransparencyError, VerificationError, *FAILURES,
)  # fmt: skip
"""What keeps a part from being checked: no finding, and never passed over in silence."""

RECEIPT_WORDS: Final = Words(
    kind="receipt",
    missing="was recorded under a key, and its receipt is gone",
    unknown="has a receipt, and was not recorded under a key",
    differs="has a receipt of another commit",
    several="has several receipts",
    place="the receipts",
)
COMMAND_WORDS: Final = Words(
    kind="command",
    missing="was led to by a stored command, and no command that succeeded points at it",
    unknown="has a stored command that succeeded, and was not led to by one",
    differs="has another stored command than the one that led to it",
    several="has several stored commands",
    place="the commands",
)


class Conclusion:
    """Concludes one verification from what was `seen` of all segments.

    Where sums differ, both sides are asked again: with `drilling` off that is only said, not looked into.
    """

    def __init__(
        self, tables: Tables, terms: Terms, seen: SegmentResult, *, segments: int = SEGMENTS, drilling: bool = True
    ) -> None:
        self._tables = tables
        self._terms = terms
        self._seen = seen
        self._segments = segments
        self._drilling = drilling
        self._findings = Findings()
        self._findings.merge(seen.findings)
        self._unchecked: dict[Part, str] = dict(seen.unchecked)
        self._lake_events: int | None = None
        self._log: LogReport | None = None
        self._read_models: list[ReadModelReport] = []

    def check_pointers(self) -> None:
        """Whether each event that must have a receipt, or a command that succeeded, has it."""
        receipts = self._pointers(self._tables.receipts, ReceiptCheck(self._tables.lookup, self._terms))
        self._try("receipts", lambda: self._compare(RECEIPTS, self._pointed(RECEIPTS), receipts, RECEIPT_WORDS))
        commands = self._pointers(self._tables.commands, CommandCheck(self._tables.lookup, self._terms))
        self._try("commands", lambda: self._compare(COMMANDS, self._pointed(COMMANDS), commands, COMMAND_WORDS))

    def check_lake(self, lake: Lake) -> None:
        """Whether the lake holds what the event table does, column by column."""

        def check() -> None:
            sums = lake.sums()
            self._lake_events = sums.events
            self._compare(LAKE, sums, lake, lakes.WORDS)
            self._findings.merge(lake.uncompared(self._tables))

        self._try("lake", check)

    def check_log(self, log: Log, told: Callable[[int], None] = lambda _: None) -> None:
        """Whether the log is what follows from its seals, and holds the hashes of the event table's rows."""

        def check() -> None:
            findings = Findings()
            try:
                seen = log.recompute(told, findings)
            finally:
                self._findings.merge(findings)
            self._log = seen.report
            for account_id, generation in self._seen.restored.items():
                if generation > seen.restored.get(account_id, 0):
                    raise VerificationError(f"a restore of {account_id} was sealed meanwhile: verify again")
            self._compare(LOG, seen.sums, log, logs.WORDS)

        if "log" not in self._unchecked:
            self._try("log", check)

    def not_checked(self, part: Part, reason: str) -> None:
        """A part that could not be checked."""
        self._unchecked.setdefault(part, reason)

    def find(self, finding: Finding) -> None:
        """A finding of somebody else's."""
        self._findings.tell(finding)

    def check_read_model(self, name: str, compare: Callable[[], Compared]) -> None:
        """Whether a read model is the fold of its events: what a comparison of it found."""

        def check() -> None:
            found = compare()
            for each in found.first:
                text = f"{name}: {WORDS[each.kind]}: expected {each.expected}, found {each.found}"
                self._findings.tell(Finding("read-model", each.subject, 0, text))
            if (left := sum(found.differences.values()) - len(found.first)) > 0:
                self._findings.tell(Finding("read-model", name, 0, f"{left:,} more differences are not named"))
            self._read_models.append(
                ReadModelReport(name, found.generation, found.accounts, found.events, found.late, found.in_motion)
            )

        self._try("read-models", check)

    def report(self) -> Report:
        """The outcome."""
        seen = self._seen
        return Report(
            begun_at=self._terms.begun_at,
            settled=self._terms.settled,
            accounts=seen.accounts,
            events=seen.events,
            snapshots=seen.snapshots,
            receipts=seen.receipts,
            commands=seen.commands,
            pending=seen.pending,
            unsealed=seen.unsealed,
            read_units=round(seen.read_units, 1),
            lake_events=self._lake_events,
            log=self._log,
            read_models=self._read_models,
            counts=self._findings.counts,
            findings=self._findings.named,
            unchecked=self._unchecked,
        )

    def _pointed(self, name: str) -> Sums:
        return self._seen.other.get(name, Sums())

    def _pointers(self, walk: ItemWalk, check: PointerCheck) -> PointerSide:
        return PointerSide(walk, check, self._terms, segments=self._segments)

    def _compare(self, name: str, sums: Sums, side: Side, words: Words) -> None:
        differing = self._seen.table.get(name, Sums()).differing(sums)
        if not differing:
            return
        if self._drilling:
            table = TableSide(name, self._tables, self._terms, segments=self._segments)
            self._findings.merge(drill(table, side, differing, words))
        else:
            text = f"differs from the event table in {len(differing):,} of 4,096 groups of accounts"
            self._findings.tell(Finding(words.kind, words.place, 0, text))

    def _try(self, part: Part, check: Callable[[], None]) -> None:
        try:
            check()
        except LogConflictError as error:
            self._findings.tell(Finding("log", "the log", 0, f"cannot be read any further: {error}"))
            self._unchecked.setdefault(part, str(error))
        except UNANSWERED as error:
            self._unchecked.setdefault(part, str(error))
