"""`python -m cli report`: the daily report by hand, by the code that the scheduled function runs.

Exit status: 0 written, 1 it could not be made or written, 2 usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import boto3
import msgspec
from botocore.exceptions import BotoCoreError

from cli.environments.lake import ELSEWHERE, LOCAL, SqlError, Target, emulated, plain, target_of
from cli.environments.place import day
from lambdas.composition.reporting import RETRIES
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.reporting.athena import Athena, countdown
from lambdas.reporting.days import LATE_DAYS, MAX_LATE_DAYS, Due, days_to_report
from lambdas.reporting.errors import InvalidDayError, ReportError
from lambdas.reporting.report import Bucket, Folder, Queries, Shelf, publish_all

DEFAULT_SECONDS: Final = 600


class _File(msgspec.Struct):
    report_bucket: str | None = None


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], environment_file: Path) -> None:
    """Add the command's own options."""
    command = commands.add_parser(
        "report",
        help="write the daily report of a day",
        description="Write report.csv and index.html of a day (UTC) below dt=DAY; a second time with the same bytes.",
        epilog="Without --date: yesterday and the three days before it, as on the schedule.",
        allow_abbrev=False,
    )
    command.add_argument("--date", type=day, metavar="YYYY-MM-DD", help="one day, up to today")
    command.add_argument(
        "--late-days",
        type=_late_days,
        metavar="N",
        help=f"with --date: events that arrived up to N days later (default: {LATE_DAYS})",
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument("--output", type=Path, metavar="FOLDER", help="write to a folder of this machine")
    where.add_argument("--bucket", metavar="NAME", help="write to reports/ in this bucket (ReportBucketName)")
    command.add_argument("--env", default=LOCAL, metavar="NAME", help="local (default), dev, staging or prod")
    command.add_argument("--environment-file", type=Path, default=environment_file, metavar="PATH", help="of local")
    for each in ELSEWHERE:
        command.add_argument(f"--{each}", help="of another --env than local (default: from its stack's outputs)")
    command.add_argument(
        "--timeout", type=int, default=DEFAULT_SECONDS, metavar="SECONDS", help=f"default: {DEFAULT_SECONDS}"
    )
    command.set_defaults(run=run)


def open_athena(target: Target) -> Queries:
    """Athena in AWS or on the emulator. Raises SqlError when AWS's configuration is incomplete."""
    client = _client("athena", target, target.athena_endpoint_url or target.aws_endpoint_url)
    return Athena(client, workgroup=target.athena_workgroup, database=target.glue_database)


def open_bucket(target: Target, name: str) -> Shelf:
    """A bucket in AWS or on the emulator. Raises SqlError when AWS's configuration is incomplete."""
    return Bucket(_client("s3", target, target.aws_endpoint_url), name)


def run(
    options: argparse.Namespace,
    *,
    athena_of: Callable[[Target], Queries] = open_athena,
    bucket_of: Callable[[Target, str], Shelf] = open_bucket,
) -> int:
    """Run the command; gives its exit status."""
    try:
        due = _due(options)
        target = target_of(options)
        queries, shelf = athena_of(target), _shelf(options, target, bucket_of)
    except (SqlError, InvalidDayError) as error:
        print(f"daybook report: {error}", file=sys.stderr)
        return 2
    try:
        written = publish_all(queries, shelf, due, countdown(options.timeout))
    except ReportError as error:
        print(f"daybook report: {error}", file=sys.stderr)
        return 1
    print(*written.files, sep="\n")
    if written.missing:
        print(f"daybook report: events are missing in the lake: {written.missing}.", file=sys.stderr)
    return 0


def _due(options: argparse.Namespace) -> Due:
    if options.late_days is not None and options.date is None:
        raise SqlError("--late-days goes with --date.")
    given = {"date": options.date, "late_days": options.late_days}
    return days_to_report({name: value for name, value in given.items() if value is not None}, today=utc_now().date())


def _late_days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not LATE_DAYS <= int(text) <= MAX_LATE_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from {LATE_DAYS} to {MAX_LATE_DAYS}")
    return int(text)


def _shelf(options: argparse.Namespace, target: Target, bucket_of: Callable[[Target, str], Shelf]) -> Shelf:
    if options.output is not None:
        return Folder(options.output)
    bucket = options.bucket
    if bucket is None and options.env == LOCAL:
        bucket = msgspec.json.decode(options.environment_file.read_bytes(), type=_File).report_bucket
    if bucket is None:
        raise SqlError("Say where to write: --output FOLDER, or --bucket NAME.")
    return bucket_of(target, bucket)


def _client(service: str, target: Target, endpoint_url: str | None) -> Any:
    try:
        return boto3.client(service, region_name=target.region, config=RETRIES, **emulated(endpoint_url))
    except (BotoCoreError, ValueError) as error:
        raise SqlError(f"AWS's configuration is not complete: {plain(error)}.") from error
