"""`daybook redrive`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from cli.connections import connections_of
from cli.options import (
    ENVIRONMENT_FILE,
    LOCAL,
    Env,
    EnvironmentFile,
    Json,
    Region,
    Where,
    day,
    exactly_one,
    goes_with,
    moment,
)
from cli.output import Outcome, Output

Command = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--command", metavar="ACCOUNT_ID CALLER/KEY", help="One command, by the ids that logs and redrive show."
    ),
]
FailedOn = Annotated[
    date | None,
    typer.Option("--failed-on", parser=day, metavar="YYYY-MM-DD", help="All commands that failed on a day (UTC)."),
]
Parked = Annotated[bool, typer.Option("--parked", help="All commands in the dead-letter (parking) bucket.")]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix", metavar="PREFIX", help="With --parked: only objects whose keys begin with this.", show_default="all"
    ),
]
PendingBefore = Annotated[
    datetime | None,
    typer.Option(
        "--pending-before",
        parser=moment,
        metavar="TIME",
        help="All PENDING commands submitted before a time (UTC), a day ago or before a restore. Reads all rows.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="With --command: retry even if the stream may still deliver it.")]
Delete = Annotated[
    bool, typer.Option("--delete", help="With --parked: delete an object when all its commands have ended.")
]


def redrive(
    context: typer.Context,
    command: Command = None,
    failed_on: FailedOn = None,
    parked: Parked = False,
    pending_before: PendingBefore = None,
    prefix: Prefix = None,
    force: Force = False,
    delete: Delete = False,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Retry commands that failed for a technical reason, or that were never tried, in the order submitted.

    Repeating it is safe: a command that has ended is never changed.
    """
    exactly_one(command=command, failed_on=failed_on, parked=parked, pending_before=pending_before)
    goes_with("--command", is_given=command is not None, force=force)
    goes_with("--parked", is_given=parked, prefix=prefix, delete=delete)
    from cli.environments.place import place_of
    from cli.redrive.inbox import inbox_of
    from cli.redrive.retrying import Selection, retry

    selection = Selection(command, failed_on, prefix or "" if parked else None, pending_before)
    inbox = inbox_of(place_of(Where(env, region, environment_file)))
    clients = connections_of(context).inbox(inbox)
    return retry(clients, inbox, selection, Output("redrive", json=as_json), force=force, delete=delete)
