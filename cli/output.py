"""A command's output: its answer goes to standard output, everything else to standard error.

With `--json`, standard output holds one document and nothing else (`cli.envelope`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from cli.errors import ExitStatus, OutputError


@dataclass(frozen=True)
class Outcome:
    """How a command ended: `data` for `--json`, and `detail`, a sentence, where the exit status is not 0."""

    data: Any = None
    exit_status: ExitStatus = ExitStatus.OK
    detail: str = ""


class Output:
    """The two streams of one command."""

    def __init__(self, command: str, *, json: bool) -> None:
        self._command = command
        self.json = json

    def line(self, text: str) -> None:
        """Print a line of the answer; nothing with `--json`."""
        if not self.json:
            say(text)

    def note(self, text: str) -> None:
        """Print a remark to standard error, such as the cost."""
        say(text, error=True)

    def warn(self, sentence: str) -> None:
        """Print a warning to standard error, after the command's name."""
        self.note(f"daybook {self._command}: {sentence}")


def say(text: str, *, error: bool = False) -> None:
    """Print a line to standard output, or to standard error. Raises OutputError."""
    try:
        print(text, file=sys.stderr if error else sys.stdout, flush=True)
    except OSError as reason:
        raise OutputError(reason) from reason


def counted(number: int, what: str) -> str:
    """`1 event`, `2 events`, `12,345 events`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
