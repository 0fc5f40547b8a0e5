"""The prompt: statements that end in a semicolon, over as many lines as they need."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator

from analytics import catalog
from cli.errors import CommandError, UsageError
from cli.output import say
from cli.progress import Steps
from cli.sql.named import named_in
from cli.sql.output import FORMS, Form, cost
from cli.sql.session import Result

with contextlib.suppress(ImportError):
    import readline  # noqa: F401 - arrow keys and earlier statements at the prompt, where Python has it

FIRST = "daybook> "
NEXT = "    ...> "
HELP = """A statement ends with a semicolon. Besides SQL in Athena's dialect there are:
  help                        show this text
  tables                      the table and the views with their columns (also: SHOW TABLES, DESCRIBE NAME)
  queries                     the named queries
  run QUERY NAME=VALUE ...    run a named query
  exit                        leave (also: end of input)"""

_SHOW_TABLES = re.compile(r"show\s+(tables|views)\b.*", re.IGNORECASE)
_DESCRIBE = re.compile(r"(?:describe|desc|show\s+columns\s+(?:in|from))\s+([\w.\"`]+)", re.IGNORECASE)


def prompt(ask: Callable[[str], Result], form: Form) -> None:
    """Read and run statements until the end of input. A failed statement does not end the prompt."""
    tell = say if sys.stdin.isatty() else _be_quiet
    tell("SQL on the lake, in Athena's dialect. `help` lists what there is, `exit` leaves.")
    for statement in _statements():
        try:
            command = _command(statement)
            if isinstance(command, str):
                say(command)
                continue
            with Steps("Athena runs the statement"):
                result = ask(command[0])
            say(FORMS[form](result))
            say(cost(result), error=True)
        except catalog.MissingValueError as error:
            missing = " ".join(f"{name}=…" for name in error.names)
            say(f"{error} Type {statement.strip()} {missing}", error=True)
        except (CommandError, catalog.StatementError) as error:
            say(str(error), error=True)
        except KeyboardInterrupt:
            say("Cancelled.", error=True)


def _be_quiet(text: str) -> None:
    del text


def _statements() -> Iterator[str]:
    """Statements without their semicolon, and the prompt's own commands."""
    lines: list[str] = []
    while True:
        try:
            line = input((NEXT if lines else FIRST) if sys.stdin.isatty() else "")
        except EOFError:
            break
        except KeyboardInterrupt:
            lines.clear()
            print()
            continue
        word = line.split(maxsplit=1)[0].rstrip(";").lower() if line.strip() else ""
        if not lines and word in {"exit", "quit"}:
            return
        if not lines and (not word or word in {"help", "tables", "queries", "run"}):
            if word:
                yield line.strip().rstrip(";")
            continue
        lines.append(line)
        if line.rstrip().endswith(";"):
            yield "\n".join(lines).strip().rstrip(";")
            lines.clear()
    if lines:
        yield "\n".join(lines).strip()


def _command(text: str) -> str | tuple[str]:
    """What to print, or in a tuple the statement to run. Raises StatementError or UsageError."""
    word, *rest = text.split()
    if described := _DESCRIBE.fullmatch(text):
        return _tables(described[1].rpartition(".")[2].strip('"`').lower())
    match word.lower():
        case "help":
            return HELP
        case "tables" | "show" if word.lower() == "tables" or _SHOW_TABLES.fullmatch(text):
            return _tables()
        case "queries":
            return "\n".join(
                f"{name} ({', '.join(q.parameters)})\n    {q.answers}" for name, q in catalog.queries().items()
            )
        case "run":
            return (named_in(rest),)
        case _:
            return (text,)


def _tables(only: str | None = None) -> str:
    """Columns of the tables and the views, or of one of them. Raises UsageError."""
    from lambdas.contracts import lake  # noqa: PLC0415 - heavy, and rarely wanted

    events = {column.name: column.type for column in (*lake.LAKE_COLUMNS, lake.PARTITION)}
    revocations = {column.name: column.type for column in lake.REVOCATION_COLUMNS}
    tables = {lake.EVENTS_TABLE: events, lake.REVOCATIONS_TABLE: revocations}
    known = {**tables, **{name: view.columns for name, view in catalog.views().items()}}
    if only is not None and only not in known:
        raise UsageError(f"There is no table or view {only}; there are {', '.join(known)}.")
    return "\n".join(
        f"{name}\n" + "\n".join(f"    {column:16} {kind}" for column, kind in columns.items())
        for name, columns in known.items()
        if only in (None, name)
    )
