"""What a verification goes by, how far it has come, and what it has seen. All of it can be written as JSON.

A verification walks over segments; each has a Progress, which can be kept after any page. What was seen of all segments
is merged, then lake and log are asked, and the outcome is a Report.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from lambdas.verification.findings import Finding, Findings
from lambdas.verification.sums import Sums

Phase: TypeAlias = Literal["events", "receipts", "commands", "done"]
Part: TypeAlias = Literal["events", "receipts", "commands", "read-models", "lake", "log"]
"""What can be checked, or not be checked, by itself."""


class LogTerms(Struct, frozen=True):
    """Up to where the log is compared: the checkpoint after a seal. What was recorded before `expected_before` and is
    not in it is late (see `log.EXPECTED_AFTER` and `beginning.SEALED_WITHIN`)."""

    seal: int
    size: int
    expected_before: str


class Terms(Struct, frozen=True, kw_only=True):
    """What all segments of a verification go by. They are fixed when it begins; times are as rows have them.

    What was recorded before `settled` must be in the lake; a command that was submitted before `pending_before` must
    have ended; an event under a key that was recorded since `keyed_since` must have its receipt. Nothing can have
    been recorded at `latest` or later. `salt` is random (see sums). Without `log`, nothing is sealed yet, or the log is
    not looked at.
    """

    begun_at: str
    settled: str
    pending_before: str
    keyed_since: str
    latest: str
    salt: str
    log: LogTerms | None = None


class SegmentResult(Struct, kw_only=True):
    """What was seen of one segment, or of several.

    `table` holds the sums of the event table for each comparison, `other` those of receipts and commands; the sums of
    lake and log come later. `unsealed` events are not in the log yet. `restored` are accounts of which a restore may
    have been sealed since the verification began, and the generation. `unchecked` says why a part could not be checked.
    """

    rows: int = 0
    events: int = 0
    accounts: int = 0
    snapshots: int = 0
    receipts: int = 0
    commands: int = 0
    pending: int = 0
    unsealed: int = 0
    read_units: float = 0.0
    findings: Findings = field(default_factory=Findings)
    table: dict[str, Sums] = field(default_factory=dict)
    other: dict[str, Sums] = field(default_factory=dict)
    restored: dict[str, int] = field(default_factory=dict)
    unchecked: dict[Part, str] = field(default_factory=dict)

    def merge(self, other: SegmentResult) -> None:
        """Add what was seen of another segment."""
        for name in ("rows", "events", "accounts", "snapshots", "receipts", "commands", "pending", "unsealed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.read_units += other.read_units
        self.findings.merge(other.findings)
        for mine, its in ((self.table, other.table), (self.other, other.other)):
            for name, sums in its.items():
                mine.setdefault(name, Sums()).merge(sums)
        self.restored |= other.restored
        self.unchecked = other.unchecked | self.unchecked


class Progress(Struct, kw_only=True):
    """How far a segment has come: the phase, where its next page begins, and what was seen of it until now.

    `open_account` is the account of which the walk has seen a part only: it counts when it is seen whole.
    """

    segment: int
    segments: int
    phase: Phase = "events"
    after: str = ""
    open_account: str = ""
    result: SegmentResult = field(default_factory=SegmentResult)

    @property
    def done(self) -> bool:
        """Whether nothing of the segment is left."""
        return self.phase == "done"


class LogReport(Struct, frozen=True):
    """The log that was compared: its newest seal, its size, its root in hexadecimal, and its checkpoint's key."""

    seal: int
    size: int
    root: str
    vkey: str


class ReadModelReport(Struct, frozen=True):
    """A read model that was compared with the fold of its events. `late` accounts are within its lag."""

    name: str
    generation: int
    accounts: int
    events: int
    late: int
    in_motion: int


class Report(Struct, frozen=True, kw_only=True):
    """The outcome. Numbers are of what was seen; `unsealed` events are not in the log yet.

    `lake_events` and `log` are null if they could not be read, and `log` also if nothing is sealed yet. `counts` says
    how much was found of each kind, `findings` names the first. `unchecked` says why a part could not be checked.
    """

    begun_at: str
    settled: str
    accounts: int
    events: int
    snapshots: int
    receipts: int
    commands: int
    pending: int
    unsealed: int
    read_units: float
    lake_events: int | None
    log: LogReport | None
    read_models: list[ReadModelReport]
    counts: dict[str, int]
    findings: list[Finding]
    unchecked: dict[Part, str]

    @property
    def found(self) -> int:
        """How many findings there are."""
        return sum(self.counts.values())
