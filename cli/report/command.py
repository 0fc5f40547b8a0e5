"""`daybook report`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.connections import connections_of
from cli.options import (
    ENVIRONMENT_FILE,
    LOCAL,
    Database,
    Env,
    EnvironmentFile,
    Json,
    Region,
    Where,
    Workgroup,
    at_most_one,
    day,
    goes_with,
    whole_number,
)
from cli.output import Outcome, Output

DEFAULT_SECONDS: Final = 600


def _late_days(text: str) -> int:
    from lambdas.reporting.days import LATE_DAYS, MAX_LATE_DAYS

    return whole_number(LATE_DAYS, MAX_LATE_DAYS, f"a number of days from {LATE_DAYS} to {MAX_LATE_DAYS}")(text)


Date = Annotated[date | None, typer.Option("--date", parser=day, metavar="YYYY-MM-DD", help="One day, up to today.")]
LateDays = Annotated[
    int | None,
    typer.Option(
        "--late-days",
        parser=_late_days,
        metavar="N",
        help="With --date: also read events that arrived up to N days later.",
    ),
]
OutputFolder = Annotated[
    Path | None, typer.Option("--output", metavar="FOLDER", help="Write to a folder of this machine.")
]
BucketName = Annotated[
    str | None, typer.Option("--bucket", metavar="NAME", help="Write to reports/ in this bucket (ReportBucketName).")
]
Timeout = Annotated[
    int,
    typer.Option(
        "--timeout",
        parser=whole_number(1, None, "a number of seconds"),
        metavar="SECONDS",
        help="Stop after this time.",
    ),
]


def report(
    context: typer.Context,
    one_day: Date = None,
    late_days: LateDays = None,
    folder: OutputFolder = None,
    bucket: BucketName = None,
    timeout: Timeout = DEFAULT_SECONDS,
    workgroup: Workgroup = None,
    database: Database = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Write the daily report of a day (UTC): report.csv and index.html below dt=DAY.

    Without --date: yesterday and the three days before it, as on the schedule. Repeating it writes the same bytes.
    """
    at_most_one(output=folder, bucket=bucket)
    goes_with("--date", is_given=one_day is not None, late_days=late_days)
    goes_with("--env, not with the local system", is_given=env != LOCAL, workgroup=workgroup, database=database)
    from cli.environments.place import lake_of
    from cli.report.places import bucket_name
    from cli.report.writing import due, write
    from lambdas.reporting.report import Folder

    days = due(one_day, late_days)
    where, connections = Where(env, region, environment_file), connections_of(context)
    target = lake_of(where, workgroup=workgroup, database=database)
    queries = connections.queries(target)
    shelf = Folder(folder) if folder is not None else connections.bucket(target, bucket_name(where, bucket))
    return write(queries, shelf, days, timeout, Output("report", json=as_json))
