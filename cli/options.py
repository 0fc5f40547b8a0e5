"""The options that commands share, and the parsers of their values."""

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
    """The name of an environment. Raises BadParameter."""
    if text not in ENVIRONMENTS:
        raise typer.BadParameter(f"{text!r} is not an environment; there are {', '.join(ENVIRONMENTS)}")
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
    typer.Option("--region", metavar="NAME", help="AWS region; by default from AWS's own configuration."),
]
EnvironmentFile = Annotated[
    Path,
    typer.Option("--environment-file", metavar="PATH", help="File in which `make run` describes the local system."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document: ok, data and problem (docs/cli.schema.json)."),
]
Workgroup = Annotated[
    str | None,
    typer.Option("--workgroup", metavar="NAME", help="Athena workgroup in AWS; by default from the stack's outputs."),
]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="NAME", help="Glue database in AWS; by default from the stack's outputs."),
]


@dataclass(frozen=True)
class Where:
    """The options that say which environment a command works on."""

    env: str
    region: str | None
    environment_file: Path


def account_id(text: str) -> str:
    """An account's id, in the form that is stored. Raises BadParameter."""
    from lambdas.accounts.text import UUID_PATTERN  # noqa: PLC0415 - the help needs no patterns

    if not re.match(UUID_PATTERN, text.lower()):
        raise typer.BadParameter(f"{text!r} is not a UUID")
    return text.lower()


def day(text: str) -> date:
    """A day as YYYY-MM-DD. Raises BadParameter, also for ISO 8601's other forms (weeks, no hyphens)."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD") from error
    if found.isoformat() != text:
        raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD")
    return found


def moment(text: str) -> datetime:
    """A day or a time; UTC if it has no offset. Raises BadParameter."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-03-01 or 2026-03-01T09:30:00Z") from None


_MOST_DIGITS: Final = 18


def whole_number(least: int, most: int | None, what: str) -> Callable[[str], int]:
    """A parser of numbers in digits only, from `least` to `most`. Its BadParameter ends in `what`."""

    def read(given: str | int) -> int:
        text = str(given)  # a default is read, too
        if (
            not text.isascii()
            or not text.isdigit()
            or len(text) > _MOST_DIGITS
            or int(text) < least
            or (most is not None and int(text) > most)
        ):
            raise typer.BadParameter(f"{text!r} is not {what}")
        return int(text)

    return read


def exactly_one(**given: object) -> None:
    """Check that exactly one of these options is given. Names have underscores. Raises UsageError."""
    if not at_most_one(**given):
        raise UsageError(f"Give one of {', '.join(_flag(name) for name in given)}.")


def at_most_one(**given: object) -> str | None:
    """The one of these options that is given, or None. Raises UsageError for more than one."""
    found = [name for name, value in given.items() if value not in (None, False)]
    if len(found) > 1:
        raise UsageError(f"{_flag(found[1])} is not allowed with {_flag(found[0])}.")
    return found[0] if found else None


def goes_with(partner: str, *, is_given: bool, **given: object) -> None:
    """Check that these options are given only with `partner`. Raises UsageError."""
    for name, value in given.items():
        if value not in (None, False) and not is_given:
            raise UsageError(f"{_flag(name)} goes with {partner}.")


def _flag(name: str) -> str:
    return name if name.isupper() else f"--{name.replace('_', '-')}"
