"""`daybook republish`."""

from __future__ import annotations

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
    account_id,
    exactly_one,
    goes_with,
    whole_number,
)
from cli.output import Outcome, Output

_version = whole_number(1, None, "a version: 1, 2, 3 …")

Account = Annotated[
    str | None, typer.Option("--account", parser=account_id, metavar="ID", help="Events of one account.")
]
Ids = Annotated[
    str | None,
    typer.Option(
        "--ids", metavar="FILE", help="Missing events in the output of `reconcile --json`; - is standard input."
    ),
]
Parked = Annotated[bool, typer.Option("--parked", help="Events that the dead-letter (parking) bucket names.")]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix", metavar="PREFIX", help="With --parked: only objects whose keys begin with this.", show_default="all"
    ),
]
First = Annotated[
    int | None,
    typer.Option(
        "--from", parser=_version, metavar="VERSION", help="With --account: the first version.", show_default="1"
    ),
]
Last = Annotated[
    int | None,
    typer.Option(
        "--to", parser=_version, metavar="VERSION", help="With --account: the last version.", show_default="newest"
    ),
]
Delete = Annotated[
    bool, typer.Option("--delete", help="With --parked: delete an object when all its events were sent.")
]
Unverified = Annotated[
    bool,
    typer.Option("--unverified", help="Also send rows whose hash does not follow from the row before: see `verify`."),
]


def republish(
    context: typer.Context,
    account: Account = None,
    ids: Ids = None,
    parked: Parked = False,
    first: First = None,
    last: Last = None,
    prefix: Prefix = None,
    delete: Delete = False,
    unverified: Unverified = False,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Send domain events to Kinesis again.

    What is sent is read from the event table, also for parked records. A row whose hash does not follow from the row
    before it is named and not sent. Repeating it is safe: an event's id is always the same, and consumers drop the ids
    that they have seen.
    """
    exactly_one(account=account, ids=ids, parked=parked)
    goes_with("--account", is_given=account is not None, **{"from": first, "to": last})
    goes_with("--parked", is_given=parked, prefix=prefix, delete=delete)
    from cli.environments.place import place_of
    from cli.republish.sending import Asked, listed_events, recorded_events, send

    if account is not None:
        asked = recorded_events(account, first, last, unverified=unverified)
    elif ids is not None:
        asked = listed_events(ids, unverified=unverified)
    else:
        asked = Asked(spans=None, unverified=unverified, prefix=prefix or "", delete=delete)
    parts = connections_of(context).republishing(place_of(Where(env, region, environment_file)))
    return send(parts, asked, Output("republish", json=as_json))
