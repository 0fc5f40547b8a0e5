"""`python -m cli sql`: one statement, a file, a named query, or a prompt.

Exit status: 0; 1 when the statement failed; 2 when it is not clear what to run, or where.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from analytics import catalog
from cli.environments.lake import LOCAL, SqlError, Target, target_of
from cli.sql.named import named, pair
from cli.sql.output import FORMS, cost
from cli.sql.prompt import prompt
from cli.sql.session import Result, Session

Run = Callable[[str], Result]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], environment_file: Path) -> None:
    """Add the command's own options."""
    command = commands.add_parser(
        "sql",
        help="ask the lake in Athena's SQL",
        description="Run one statement in Athena's SQL and show its rows, or open a prompt when none is given.",
        epilog="Queries for --name: " + ", ".join(catalog.queries()) + ".",
        allow_abbrev=False,
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument("statement", nargs="?", metavar="STATEMENT", help="a SELECT; `-` reads it from standard input")
    what.add_argument("--file", type=Path, metavar="PATH", help="a file with one statement")
    what.add_argument("--name", metavar="QUERY", help="a query of analytics/queries")
    command.add_argument(
        "-p",
        dest="parameters",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="for --name or --file",
    )
    form = command.add_mutually_exclusive_group()
    for each in ("csv", "json"):
        form.add_argument(f"--{each}", dest="form", action="store_const", const=each, help=f"rows as {each.upper()}")
    command.add_argument("--env", default=LOCAL, metavar="NAME", help="local (default), dev, staging or prod")
    command.add_argument("--environment-file", type=Path, default=environment_file, metavar="PATH", help="of local")
    for each in ("workgroup", "database", "region"):
        command.add_argument(f"--{each}", help="of another --env than local (default: from its stack's outputs)")
    command.set_defaults(run=run, form="table")


def run(
    options: argparse.Namespace, *, session_of: Callable[[Target], Run] = lambda target: Session(target).run
) -> int:
    """Run the command; gives its exit status."""
    try:
        statement = _statement(options)
        ask = session_of(target_of(options))
    except (SqlError, catalog.StatementError) as error:
        print(f"daybook sql: {error}", file=sys.stderr)
        return 2
    show = FORMS[options.form or "table"]
    if statement is None:
        return prompt(ask, show)
    try:
        result = ask(statement)
    except SqlError as error:
        print(f"daybook sql: {error}", file=sys.stderr)
        return 1
    print(show(result))
    print(cost(result), file=sys.stderr)
    return 0


def _statement(options: argparse.Namespace) -> str | None:
    values = dict(options.parameters)
    if options.name is not None:
        return named(options.name, values)
    if options.file is not None:
        return _in_file(options.file, values)
    if values:
        raise SqlError("-p goes with --name or --file.")
    if options.statement == "-":
        return sys.stdin.read().strip().rstrip(";")
    return None if options.statement is None else str(options.statement).strip().rstrip(";")


def _in_file(path: Path, values: dict[str, str]) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SqlError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise SqlError(f"{path} is not text in UTF-8.") from None
    if not values and not text.startswith("--"):
        return text.strip().rstrip(";")
    return catalog.parse(path.stem, text).fill(values).rstrip(";")


def _pair(text: str) -> tuple[str, str]:
    try:
        return pair(text)
    except SqlError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
