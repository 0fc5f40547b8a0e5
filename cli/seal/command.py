"""`daybook seal`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from cli.connections import connections_of
from cli.options import ENVIRONMENT_FILE, LOCAL, Env, EnvironmentFile, Json, Region, Where, moment
from cli.output import Outcome, Output


def _through(text: str) -> datetime:
    from lambdas.eventsourcing.timestamps import utc_now

    return utc_now() if text == "now" else moment(text)


Through = Annotated[
    datetime | None,
    typer.Option(
        "--through",
        parser=_through,
        metavar="TIME",
        help="Seal what was recorded up to now, or up to a moment (UTC).",
        show_default="as on the schedule",
    ),
]
RebuildIndex = Annotated[
    bool, typer.Option("--rebuild-index", help="First make the log's index again, of all its seals.")
]


def seal(
    context: typer.Context,
    through: Through = None,
    rebuild_index: RebuildIndex = False,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Seal new events into the transparency log.

    The deployed sealer does it, as on its schedule: the signing key is its alone. What has reached the lake is sealed.
    Keep the key (vkey) and the checkpoint outside the account: they show whether the log is rewritten. An event that
    differs from what the log holds, and one that waits too long for an event before it, are findings.
    """
    from cli.environments.place import place_of
    from cli.seal.sealing import run

    sealer = connections_of(context).sealer(place_of(Where(env, region, environment_file)))
    return run(sealer, through, Output("seal", json=as_json), rebuild_index=rebuild_index)
