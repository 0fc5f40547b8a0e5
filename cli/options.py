"""The options that commands share, and how values on the command line are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.errors import UsageError
from stacks import environment
from stacks.environment import ENVIRONMENTS

LOCAL: Final = environment.LOCAL.name
ENVIRONMENT_FILE: Final = Path(".local/environment.json")


def _names(incomplete: str) -> list[str]:
    return [name for name in ENVIRONMENTS if name.startswith(incomplete)]


def environment_name(text: str) -> str:
    """The name of an environment."""
    if text not in ENVIRONMENTS:
        raise typer.BadParameter(f"{text!r} is no environment; there are {', '.join(ENVIRONMENTS)}")
    return text


Env = Annotated[
    str,
    typer.Option(
        "--env",
        parser=environment_name,
        metavar="NAME",
        help=f"One of {', '.join(ENVIRONMENTS)}; {LOCAL} is the system that `make run` started.",
        autocompletion=_names,
    ),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="NAME", help="Of an environment in AWS; by default as AWS's own tools find it."),
]
EnvironmentFile = Annotated[
    Path,
    typer.Option("--environment-file", metavar="PATH", help="What `make run` wrote about the local system."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON document: ok, data and problem. docs/cli.schema.json describes it."),
]
Workgroup = Annotated[
    str | None,
    typer.Option("--workgroup", metavar="NAME", help="Of Athena in AWS; by default from the stack's outputs."),
]
Database = Annotated[
    str | None, typer.Option("--database", metavar="NAME", help="Of Glue in AWS; by default from the stack's outputs.")
]


@dataclass(frozen=True)
class Where:
    """The options that say which environment a command works on."""

    env: str
    region: str | None
    environment_file: Path


def account_id(text: str) -> str:
    """An account's id, in the form that it is stored in."""
    from lambdas.accounts.text import UUID_PATTERN  # noqa: PLC0415 - the help needs no patterns

    if not re.match(UUID_PATTERN, text.lower()):
        raise typer.BadParameter(f"{text!r} is not a UUID")
    return text.lower()


def day(text: str) -> date:
    """A day as YYYY-MM-DD and in no other of ISO 8601's forms, which know weeks and need no hyphens."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD") from error
    if found.isoformat() != text:
        raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD")
    return found


def moment(text: str) -> datetime:
    """A day or a time, in UTC where it names no offset."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no time as 2026-03-01 or 2026-03-01T09:30:00Z") from None


def whole_number(least: int, most: int | None, what: str) -> Callable[[str], int]:
    """Reads a number in digits alone, from `least` to `most`; `what` ends the sentence about any other."""

    def read(given: str | int) -> int:
        text = str(given)  # a default is read, too
        if not text.isascii() or not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
            raise typer.BadParameter(f"{text!r} is not {what}")
        return int(text)

    return read


def exactly_one(**given: object) -> None:
    """One of several options must be given; names are written with underscores. Raises UsageError."""
    if not at_most_one(**given):
        raise UsageError(f"Give one of {', '.join(_flag(name) for name in given)}.")


def at_most_one(**given: object) -> str | None:
    """The one of several options that is given, which may be none. Raises UsageError."""
    found = [name for name, value in given.items() if value not in (None, False)]
    if len(found) > 1:
        raise UsageError(f"{_flag(found[1])} is not allowed with {_flag(found[0])}.")
    return found[0] if found else None


def goes_with(partner: str, *, is_given: bool, **given: object) -> None:
    """Options that mean something beside another one only. Raises UsageError."""
    for name, value in given.items():
        if value not in (None, False) and not is_given:
            raise UsageError(f"{_flag(name)} goes with {partner}.")


def _flag(name: str) -> str:
    return name if name.isupper() else f"--{name.replace('_', '-')}"
