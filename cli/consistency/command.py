"""`daybook consistency`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.connections import connections_of
from cli.options import ENVIRONMENT_FILE, LOCAL, Env, EnvironmentFile, Json, Region, Where
from cli.output import Outcome, Output

Old = Annotated[
    str,
    typer.Argument(metavar="OLD", help="A file with a checkpoint that you kept, or the size of the log then."),
]
New = Annotated[
    str | None,
    typer.Argument(metavar="NEW", help="The same, of a later checkpoint; without it the log's newest."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the proof (.tlog-consistency) too.")]


def consistency(
    context: typer.Context,
    old: Old,
    new: New = None,
    out: Out = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Check that the log of a later checkpoint begins with all that it held at an earlier one.

    A checkpoint that was kept outside the account shows the most: whoever rewrites the log cannot change it. A size
    only says that the log agrees with its own checkpoint of that size.
    """
    from cli.consistency.checking import check
    from cli.environments.place import place_of

    log = connections_of(context).transparency_log(place_of(Where(env, region, environment_file)))
    return check(log, old, new, out, Output("consistency", json=as_json))
