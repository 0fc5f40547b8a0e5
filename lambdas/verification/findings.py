"""What a verification finds: every finding is counted by its kind, and the first ones are named."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

Kind: TypeAlias = Literal["history", "receipt", "command", "pending", "read-model", "lake", "log"]
NAMED: Final = 100


class Finding(Struct, frozen=True, order=True):
    """One thing that is not as it must be. `text` says what, without its subject.

    history: a row of the event table, the account's first bad one. receipt, command: it points at no such event, or an
    event has none. pending: a command waits for too long. read-model: see comparison. lake, log: they tell an account
    otherwise than the event table; its first version for which they do. `subject` is the account, else the name of what
    is meant; `version` is 0 if it is about no version.
    """

    kind: Kind
    subject: str
    version: int
    text: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.subject}{f'/{self.version}' if self.version else ''}  {self.text}"


class Findings(Struct):
    """Findings, counted by kind; the first ones by name."""

    counts: dict[str, int] = field(default_factory=dict)
    named: list[Finding] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Of all kinds."""
        return sum(self.counts.values())

    def tell(self, finding: Finding) -> None:
        """Count a finding, and name it if there are not many yet."""
        self.counts[finding.kind] = self.counts.get(finding.kind, 0) + 1
        if len(self.named) < NAMED:
            self.named.append(finding)

    def merge(self, other: Findings) -> None:
        """Add others."""
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
        self.named = [*self.named, *other.named][:NAMED]
