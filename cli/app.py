"""`daybook`: mounts the commands and turns each outcome or error into output and an exit status."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import typer
from typer.exceptions import TyperException

from cli.aws import AWS
from cli.commands import COMMANDS, Commands
from cli.connections import Connections
from cli.errors import CommandError, ExitStatus, OutputError
from cli.output import Outcome, say

PROGRAM: Final = "daybook"

app = typer.Typer(
    name=PROGRAM, cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich"
)


@app.callback()
def daybook() -> None:
    """Operate a Daybook ledger: the local system that `make run` started, or an environment in AWS."""


def main(arguments: Sequence[str] | None = None, *, connections: Connections | None = None) -> int:
    """Run a command and return its exit status, one of `cli.errors.ExitStatus`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character gets its number
    try:
        outcome = _run(words, connections or AWS())
        if isinstance(outcome, int):
            return int(outcome)
        if "--json" in itertools.takewhile(lambda word: word != "--", words):
            from cli.envelope import envelope

            say(envelope(outcome))
        return int(outcome.exit_status)
    except OutputError as error:
        return _unwritten(error)


def _unwritten(error: OutputError) -> int:
    """Say so, unless the reader has gone, and write nothing more: Python would complain of the rest when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not error.closed:
        with contextlib.suppress(OSError):
            print(f"{PROGRAM}: {error}", file=sys.stderr)
    return int(ExitStatus.OUTPUT)


def _run(words: list[str], connections: Connections) -> Outcome | int:
    """The command's outcome; only a status where there is no answer, such as for the help or the prompt."""
    try:
        ended = app(words, prog_name=PROGRAM, standalone_mode=False, obj=connections)
    except TyperException as error:
        return _failed(words, error.format_message(), ExitStatus.USAGE, hint=True)
    except CommandError as error:
        return _failed(words, str(error), error.exit_status, data=error.data)
    except (KeyboardInterrupt, typer.Abort):
        return _failed(words, "interrupted", ExitStatus.INTERRUPTED)
    if ended == ExitStatus.INTERRUPTED:  # Typer makes a status of Ctrl-C by itself
        return _failed(words, "interrupted", ExitStatus.INTERRUPTED)
    return ended if isinstance(ended, Outcome | int) else ExitStatus.OK


def _failed(words: list[str], sentence: str, status: ExitStatus, *, hint: bool = False, data: Any = None) -> Outcome:
    command = next((word for word in words if not word.startswith("-")), "")
    named = f"{PROGRAM} {command}" if command in COMMANDS else PROGRAM
    if not words:
        typer.echo(sentence, err=True)  # the help: without a terminal's codes where there is none
    else:
        say(f"{named}: {sentence}", error=True)
    if hint and words:
        say(f"`{named} --help` shows what there is.", error=True)
    return Outcome(data, status, sentence)
