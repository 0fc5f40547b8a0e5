"""`daybook reconcile`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

import typer

from cli.connections import connections_of
from cli.options import ENVIRONMENT_FILE, LOCAL, Env, EnvironmentFile, Json, Region, Where, day, whole_number
from cli.output import Outcome, Output

SETTLE_MINUTES: Final = 60
MOST_MINUTES: Final = 366 * 24 * 60

From = Annotated[date, typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="The first day.")]
To = Annotated[
    date | None,
    typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="The last day.", show_default="today"),
]
Settle = Annotated[
    int,
    typer.Option(
        "--settle",
        parser=whole_number(0, MOST_MINUTES, f"a whole number up to {MOST_MINUTES}"),
        metavar="MINUTES",
        help="Ignore events of the last minutes: they may still be on their way to the lake.",
    ),
]


def reconcile(
    context: typer.Context,
    from_day: From,
    to_day: To = None,
    settle: Settle = SETTLE_MINUTES,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Compare the event table with the lake, event by event, for each booking day (UTC).

    The scan reads the whole event table. `daybook republish --ids FILE` sends the missing events that --json lists.
    """
    from cli.environments.place import place_of
    from cli.reconcile.comparing import compare, window_of

    window, today = window_of(from_day, to_day, settle)
    place = place_of(Where(env, region, environment_file))
    return compare(place, window, today, connections_of(context), Output("reconcile", json=as_json))
