"""Reads the statement that the command line names, runs it and shows its rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from analytics import catalog
from cli.errors import UsageError
from cli.output import Outcome, Output
from cli.progress import Steps
from cli.sql.named import named, pair
from cli.sql.output import FORMS, Form, as_data, cost
from cli.sql.session import Result


def statement_of(statement: str | None, file: Path | None, name: str | None, parameters: Sequence[str]) -> str | None:
    """One statement without its semicolon; None where none is given. Raises UsageError."""
    values = dict(map(pair, parameters))
    try:
        if name is not None:
            return named(name, values)
        if file is not None:
            return _in_file(file, values)
    except catalog.MissingValueError as error:
        raise UsageError(f"{error} Give {' '.join(f'-p {each}=…' for each in error.names)}.") from error
    except catalog.StatementError as error:
        raise UsageError(str(error)) from error
    if values:
        raise UsageError("-p goes with --name or --file.")
    return None if statement is None else _bare(sys.stdin.read() if statement == "-" else statement)


def run(ask: Callable[[str], Result], statement: str, form: Form, output: Output) -> Outcome:
    """Run the statement, and show its rows and its cost. Raises QueryFailedError."""
    with Steps("Athena runs the statement"):
        result = ask(statement)
    output.line(FORMS[form](result))
    output.note(cost(result))
    return Outcome(as_data(result))


def _in_file(path: Path, values: Mapping[str, str]) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8.") from None
    if not values and not text.startswith("--"):
        return _bare(text)
    return _bare(catalog.parse(path.stem, text).fill(values))


def _bare(text: str) -> str:
    return text.strip().rstrip(";")
