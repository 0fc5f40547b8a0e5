"""The exit statuses of commands, and the errors that lead to them. Only `cli.app` turns errors into output.

CommandError               1   something needs attention
├── QueryFailedError       1   a statement did not run
├── UsageError             2   the words of the command line do not fit together
│   └── PlaceError         2   it is not clear where the environment is
└── UnavailableError       3   a table, a bucket or a stream does not answer
OutputError              141   standard output or standard error cannot be written
"""

from __future__ import annotations

import enum
from typing import Any


class ExitStatus(enum.IntEnum):
    """Every command ends with one of these; `meaning` is a sentence for the help."""

    OK = 0, "Done: nothing needs attention."
    FINDING = (
        1,
        "Something needs attention: an account is broken, events differ or were not sent, a command or query failed.",
    )
    USAGE = 2, "Nothing was done: the command line is wrong, or the environment cannot be found."
    UNAVAILABLE = 3, "AWS or the emulator did not answer, or refused the request. Repeating the command is safe."
    INTERRUPTED = 130, "Ctrl-C ended it. Repeating the command is safe."
    OUTPUT = 141, "The output could not be written: its reader closed it, or there is no space."

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitStatus:
        """A status with its meaning."""
        status = int.__new__(cls, value)
        status._value_ = value
        status.meaning = meaning
        return status


class CommandError(Exception):
    """A command cannot do what was asked. The message is a sentence for the person at the keyboard.

    `data` is what was done until then, for `--json`.
    """

    exit_status = ExitStatus.FINDING

    def __init__(self, message: str, *, data: Any = None) -> None:
        super().__init__(message)
        self.data = data


class QueryFailedError(CommandError):
    """Athena did not run a statement."""


class UsageError(CommandError):
    """Options that do not fit together, or a value that cannot be used."""

    exit_status = ExitStatus.USAGE


class PlaceError(UsageError):
    """The environment cannot be found, or AWS's configuration is not complete."""


class UnavailableError(CommandError):
    """A service does not answer, so the command has no result."""

    exit_status = ExitStatus.UNAVAILABLE


class OutputError(Exception):
    """Standard output or standard error cannot be written. `closed` says that its reader has gone, as `head` does."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(f"the output could not be written: {reason.strerror}")
        self.closed = isinstance(reason, BrokenPipeError)


def plain(error: Exception) -> str:
    """An error's message without its full stop, to end a sentence with."""
    return str(error).rstrip(". ")
