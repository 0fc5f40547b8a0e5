"""`daybook smoke`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.connections import connections_of
from cli.options import ENVIRONMENT_FILE, LOCAL, Env, EnvironmentFile, Json, Region, Where
from cli.output import Outcome, Output

NoLake = Annotated[
    bool, typer.Option("--no-lake", help="Do not wait for the row in the lake, which takes minutes on AWS.")
]


def smoke(
    context: typer.Context,
    no_lake: NoLake = False,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Try a deployed system out end to end, with your own credentials.

    On an account in XTS, the test currency, which no report counts: open, credit, withdraw, read it now and in the
    past, repeat a request, hand a command over; then its event in the stream, the account in a read model, its row in
    the lake, a named query, and the report of yesterday. Each step is timed. One that fails says what, why, and what to
    look at.
    """
    import time

    from cli.environments.place import place_of
    from cli.smoke.trial import new_run, try_out
    from lambdas.eventsourcing.timestamps import utc_now

    now = utc_now()
    run = new_run(now)
    parts = connections_of(context).smoke(place_of(Where(env, region, environment_file)), run)
    output = Output("smoke", json=as_json)
    return try_out(parts, run, now, output, with_lake=not no_lake, monotonic=time.monotonic)
