"""What one part of the audit found, and what that means for the exit status."""

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """How a part ended. NOT_CHECKED alone is soft: nobody answered who could know."""

    GOOD = "good"
    FOUND = "found"
    NOT_CHECKED = "not checked"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """The outcome, and lines for the person at the keyboard."""

    outcome: Outcome
    lines: tuple[str, ...]

    @property
    def is_fatal(self) -> bool:
        """Whether the audit fails: something was found, or it is not known why nothing was."""
        return self.outcome in {Outcome.FOUND, Outcome.FAILED}
