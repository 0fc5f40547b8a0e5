"""Folds one account anew, up to the gate of its row, and says in what the row differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from lambdas.contracts.domain_events import AccountDomainEvent, NotPublishableError
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.projections.folding.taken import EventSource, UnreadableEvent
from lambdas.projections.projection import Additions, K, Projection
from lambdas.projections.read_model import AccountRow
from lambdas.projections.walked_events import WalkedEvent

Kind: TypeAlias = Literal["kept", "gate", "behind", "missing", "superfluous", "shared"]
NAMED: Final = 20
"""Differences that are named; all are counted."""

WORDS: Final[Mapping[Kind, str]] = {
    "kept": "is not the fold of its events",
    "gate": "has a gate that is no event of its history",
    "behind": "is behind, by more than the lag",
    "missing": "has no row",
    "superfluous": "has a row and no events",
    "shared": "is not the sum of the accounts' shares",
}
"""For each kind of difference, what is said of the account or the shared row."""

Sums: TypeAlias = defaultdict[str, defaultdict[str, int]]


class Difference(Struct, frozen=True, order=True):
    """One difference between a read model and the event table. `subject` is an account's id or a shared row's key.

    kept: what is kept of the account is not the fold of its events up to the gate. gate: its gate is not the event of
    that version, or the history cannot be folded up to it. behind: events after the gate should have been folded.
    missing: it has events, and no row. superfluous: it has a row, and no events. shared: a shared row is not the sum.
    """

    kind: Kind
    subject: str
    expected: str
    found: str


class Findings(Struct):
    """Differences, counted by kind, and the first ones by name; and what the compared rows must add up to."""

    accounts: int = 0
    events: int = 0
    stopped: int = 0
    late: int = 0
    """Accounts that may not have a row yet: they were opened just now."""
    counts: dict[str, int] = field(default_factory=dict)
    named: list[Difference] = field(default_factory=list)
    sums: Sums = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def tell(self, difference: Difference) -> None:
        """Count a difference, and name it if there are not many yet."""
        self.counts[difference.kind] = self.counts.get(difference.kind, 0) + 1
        if len(self.named) < NAMED:
            self.named.append(difference)

    def add_up(self, additions: Additions) -> None:
        """Add to shared rows."""
        for key, measures in additions.items():
            row = self.sums[key]
            for measure, amount in measures.items():
                row[measure] += amount

    def merge(self, other: Findings) -> None:
        """Add those of another segment."""
        self.accounts += other.accounts
        self.events += other.events
        self.stopped += other.stopped
        self.late += other.late
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
        self.named = [*self.named, *other.named][:NAMED]
        self.add_up(other.sums)


class AccountCheck(Generic[K]):
    """One account, whose events come in any number of parts. `found` is its row; None: it has none."""

    def __init__(
        self, projection: Projection[K], account_id: str, found: AccountRow[K] | None, findings: Findings
    ) -> None:
        self._projection = projection
        self._account_id = account_id
        self._found = found
        self._findings = findings
        self._goal = found.gate.version if found else 0
        self._kept: K | None = None
        self._last: AccountDomainEvent | None = None
        self._version = 0
        self._broken = ""
        self._next_recorded = ""

    @property
    def account_id(self) -> str:
        """Whose events are to be added."""
        return self._account_id

    def add(self, events: Iterable[WalkedEvent]) -> None:
        """Fold what comes next among the events, which are sorted; the others are passed over."""
        for event in events:
            if event.streamversion == self._goal + 1:
                self._next_recorded = event.recordedtime
            elif event.streamversion == self._version + 1 and not self._broken:
                self._fold(event)

    def finish(self, source: EventSource, settled: str) -> None:
        """Read what did not come in order, and tell the difference. Raises ReadUnavailableError.

        What was recorded before the moment `settled` should have been folded.
        """
        self._read_rest(source)
        self._findings.accounts += 1
        if self._found is None:
            self._tell_missing(settled)
            return
        gate = self._found.gate
        self._findings.stopped += bool(gate.stopped)
        if self._broken:
            self._tell("gate", f"no event {self._version + 1}: {self._broken}", _text(gate))
        elif self._last is not None and (self._last.rowhash, self._last.recordedtime) != (
            gate.rowhash,
            gate.recordedtime,
        ):
            self._tell("gate", _text([self._version, self._last.rowhash, self._last.recordedtime]), _text(gate))
        elif self._kept != self._found.kept:
            self._tell("kept", _text(self._kept), _text(self._found.kept))
        elif self._next_recorded and self._next_recorded < settled and not gate.stopped:
            self._tell("behind", f"event {self._goal + 1}, recorded at {self._next_recorded}", f"version {self._goal}")

    def _read_rest(self, source: EventSource) -> None:
        if self._broken or self._version >= self._goal:
            return
        try:
            for event in source.read(self._account_id, after=self._version, up_to=self._goal):
                if self._broken:
                    return
                self._fold(event)
        except (NotPublishableError, CorruptRowError, InconsistentReadError) as error:
            self._broken = str(error)

    def _fold(self, event: WalkedEvent) -> None:
        if isinstance(event, UnreadableEvent):
            self._broken = event.reason
            return
        try:
            folded = self._projection.fold(self._kept, event)
        except Exception as error:  # noqa: BLE001 - what any projection may raise is a finding
            self._broken = f"{type(error).__name__}: {error}"
            return
        self._kept, self._last, self._version = folded.kept, event, event.streamversion
        self._findings.events += 1
        self._findings.add_up(folded.additions)

    def _tell_missing(self, settled: str) -> None:
        if self._next_recorded < settled:
            self._tell("missing", f"event 1, recorded at {self._next_recorded}", "no row")
        else:
            self._findings.late += 1

    def _tell(self, kind: Kind, expected: str, found: str) -> None:
        self._findings.tell(Difference(kind, self._account_id, expected, found))


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
