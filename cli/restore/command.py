"""`daybook restore`."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Annotated, Final

import typer

from cli.connections import connections_of
from cli.errors import UsageError
from cli.options import ENVIRONMENT_FILE, LOCAL, Env, EnvironmentFile, Json, Region, Where, goes_with, moment
from cli.output import Outcome, Output

STEPS: Final = {
    "plan": "planning",
    "run": "running",
    "check": "checking",
    "mend": "mending",
    "finish": "finishing",
    "announce": "announcing",
}
"""For each step, the module beside this one that does it; its function has the name of the step."""


def _steps(incomplete: str) -> list[str]:
    return [each for each in STEPS if each.startswith(incomplete)]


def _step(text: str) -> str:
    if text not in STEPS:
        raise typer.BadParameter(f"{text!r} is not a step; there are {', '.join(STEPS)}")
    return text


Step = Annotated[
    str,
    typer.Argument(metavar="STEP", parser=_step, help=f"One of {', '.join(STEPS)}.", autocompletion=_steps),
]
At = Annotated[
    datetime,
    typer.Option(
        "--at", parser=moment, metavar="TIME", help="The second to which all tables go back (UTC); the same each time."
    ),
]

Yes = Annotated[bool, typer.Option("--yes", help="Do what `mend` would do; without it nothing is changed.")]


def restore(
    context: typer.Context,
    step: Step,
    at: At,
    yes: Yes = False,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Restore the ledger's tables to a second, under new names. docs/restore.md is the way from end to end.

    `plan` changes nothing and prints every line to type. Each step can be repeated, also after it was killed.
    """
    from cli.environments.place import place_of
    from cli.restore.steps import Request
    from lambdas.eventsourcing.timestamps import utc_now

    if at.microsecond:
        raise UsageError("--at is a whole second: DynamoDB restores to no finer time.")
    if at > utc_now():
        raise UsageError("--at lies in the future.")
    goes_with("mend", is_given=step == "mend", yes=yes)
    place = place_of(Where(env, region, environment_file))
    request = Request(place, at, connections_of(context), Output("restore", json=as_json), act=yes)
    ended: Outcome = getattr(import_module(f"cli.restore.{STEPS[step]}"), step)(request)
    return ended
