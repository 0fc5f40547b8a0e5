"""`daybook projections`."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Final

import typer

from cli.connections import connections_of
from cli.errors import UsageError
from cli.options import (
    ENVIRONMENT_FILE,
    LOCAL,
    Env,
    EnvironmentFile,
    Json,
    Region,
    Where,
    account_id,
    at_most_one,
    exactly_one,
    goes_with,
    whole_number,
)
from cli.output import Outcome, Output

ACTIONS: Final = {
    "list": "listing",
    "status": "status",
    "rebuild": "rebuilding",
    "compare": "comparing",
    "switch": "switching",
    "rollback": "switching",
    "retry": "retrying",
    "drop": "dropping",
}
"""For each action, the module beside this one whose function `run` does it."""

ALLOWED: Final = {
    "ACCOUNT_ID": ("retry",),
    "all": ("rebuild", "retry"),
    "follow": ("status",),
    "yes": ("rebuild", "drop"),
    "no_wait": ("rebuild",),
    "generation": ("compare",),
    "segments": ("compare",),
}
"""For each option, the actions that it goes with."""

DEFAULT_SEGMENTS: Final = 8


def _actions(incomplete: str) -> list[str]:
    return [each for each in ACTIONS if each.startswith(incomplete)]


def _action(text: str) -> str:
    if text not in ACTIONS:
        raise typer.BadParameter(f"{text!r} is not an action; there are {', '.join(ACTIONS)}")
    return text


def _all_names() -> list[str]:
    from lambdas.projections.registry import PROJECTIONS

    return [each.name for each in PROJECTIONS]


def _names(incomplete: str) -> list[str]:
    return [name for name in _all_names() if name.startswith(incomplete)]


def _name(text: str) -> str:
    if text not in _all_names():
        raise typer.BadParameter(f"{text!r} is not a projection; there are {', '.join(_all_names())}")
    return text


Action = Annotated[
    str,
    typer.Argument(metavar="ACTION", parser=_action, help=f"One of {', '.join(ACTIONS)}.", autocompletion=_actions),
]
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", parser=_name, help="A projection, such as account_summaries.", autocompletion=_names
    ),
]
AccountIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="ACCOUNT_ID", parser=account_id, help="retry: the accounts that shall go on."),
]
All = Annotated[bool, typer.Option("--all", help="rebuild: every projection. retry: every account that is stopped.")]
Follow = Annotated[bool, typer.Option("--follow", help="status: measure again and again, until Ctrl-C.")]
Yes = Annotated[bool, typer.Option("--yes", help="rebuild, drop: do not ask.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="rebuild: start it, and do not wait for its end.")]
Generation = Annotated[
    int | None,
    typer.Option(
        "--generation",
        parser=whole_number(1, None, "a generation"),
        metavar="NUMBER",
        help="compare: this one; by default the one that is built, else the live one.",
    ),
]
Segments = Annotated[
    int | None,
    typer.Option(
        "--segments",
        parser=whole_number(1, 256, "a number from 1 to 256"),
        metavar="NUMBER",
        help=f"compare: read the event table in so many parts at once; by default {DEFAULT_SEGMENTS}.",
    ),
]


def projections(
    context: typer.Context,
    action: Action,
    name: Name = None,
    account_ids: AccountIds = None,
    everything: All = False,
    follow: Follow = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    generation: Generation = None,
    segments: Segments = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """List, measure, rebuild, compare and switch read models. docs/projections.md shows each action at work.

    `rebuild` fills a generation beside the live one, `compare` checks it, `switch` has it read, `rollback` goes back,
    `drop` deletes the other one, and `retry` lets stopped accounts go on. Each can be repeated, also after a kill.
    """
    given = {"ACCOUNT_ID": account_ids, "all": everything, "follow": follow, "yes": yes, "no_wait": no_wait}
    _check(action, name, {**given, "generation": generation, "segments": segments}, as_json=as_json)
    from cli.environments.place import place_of
    from cli.projections.failures import answered
    from cli.projections.request import Request

    place, connections = place_of(Where(env, region, environment_file)), connections_of(context)
    with answered(place):
        request = Request(
            action=action,
            place=place,
            connections=connections,
            models=connections.projections(place),
            names=_all_names() if name is None else [name],
            output=Output("projections", json=as_json),
            account_ids=account_ids or [],
            everything=everything,
            follow=follow,
            yes=yes,
            wait=not no_wait,
            generation=generation,
            segments=segments or DEFAULT_SEGMENTS,
        )
        ended: Outcome = import_module(f"cli.projections.{ACTIONS[action]}").run(request)
    return ended


def _check(action: str, name: str | None, given: dict[str, Any], *, as_json: bool) -> None:
    """Raises UsageError for words that do not go together."""
    for option, actions in ALLOWED.items():
        value = given[option]
        goes_with(" and ".join(actions), is_given=action in actions, **{option: value or None})
    at_most_one(follow=given["follow"], json=as_json)
    match action:
        case "list":
            goes_with("the other actions", is_given=False, NAME=name)
        case "status":
            pass
        case "rebuild":
            exactly_one(NAME=name, all=given["all"])
        case _:
            if name is None:
                raise UsageError(f"Say which projection: one of {', '.join(_all_names())}.")
    if action == "retry":
        exactly_one(ACCOUNT_ID=given["ACCOUNT_ID"] or None, all=given["all"])
