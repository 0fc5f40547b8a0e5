"""Writes the reports that are due, with the code of the scheduled function."""

from __future__ import annotations

from datetime import date

import msgspec

from cli.errors import CommandError, UsageError
from cli.output import Outcome, Output
from cli.progress import Steps
from lambdas.athena.errors import QueryError
from lambdas.athena.queries import countdown
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.reporting.days import Due, days_to_report
from lambdas.reporting.errors import InvalidDayError, ReportError
from lambdas.reporting.report import Queries, Shelf, publish_all


class Written(msgspec.Struct, frozen=True):
    """Addresses of the files, and the number of their days' events that are known to be missing in the lake."""

    files: list[str]
    missing: int


def due(day: date | None, late_days: int | None) -> Due:
    """The days to report. Raises UsageError."""
    given = {"date": day, "late_days": late_days}
    try:
        return days_to_report(
            {name: value for name, value in given.items() if value is not None}, today=utc_now().date()
        )
    except InvalidDayError as error:
        raise UsageError(str(error)) from error


def write(queries: Queries, shelf: Shelf, days: Due, seconds: int, output: Output) -> Outcome:
    """Write the reports of these days, in at most `seconds`. Raises CommandError."""
    try:
        with Steps("Writing the reports"):
            written = publish_all(queries, shelf, days, countdown(seconds))
    except (ReportError, QueryError) as error:
        raise CommandError(str(error)) from error
    output.line("\n".join(written.files))
    if written.missing:
        output.warn(f"events are missing in the lake: {written.missing}.")
    return Outcome(Written(list(written.files), written.missing))
