"""Makes the report of a day: queries Athena and writes the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from analytics import catalog
from lambdas.athena.errors import QueryError, QueryFailedError
from lambdas.athena.queries import Row
from lambdas.reporting.csv_file import as_csv
from lambdas.reporting.days import LATE_DAYS, Due
from lambdas.reporting.errors import PublishError, ReportError, ReportsFailedError
from lambdas.reporting.figures import (
    DAYS_BEFORE,
    MOVERS_QUERY,
    RECONCILIATION_QUERY,
    REPORT_QUERY,
    TOP,
    DailyReport,
    daily_report,
)
from lambdas.reporting.page import as_page

PREFIX: Final = "reports/"
CSV_NAME: Final = "report.csv"
PAGE_NAME: Final = "index.html"
_CONTENT_TYPES: Final = {CSV_NAME: "text/csv; charset=utf-8", PAGE_NAME: "text/html; charset=utf-8"}


class Published(Struct, frozen=True):
    """Addresses of the written files, and the number of their days' events known to be missing in the lake."""

    files: tuple[str, ...]
    missing: int


class Queries(Protocol):
    """Runs SQL queries."""

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[Row]:
        """All rows of a SELECT, within `time_left` seconds. Raises a QueryError."""


class Shelf(Protocol):
    """A place for reports."""

    def put(self, name: str, content: bytes) -> str:
        """Write a file, replacing one of the same name. Returns its address. Raises PublishError."""


class Bucket:
    """Reports in S3, below `reports/`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def put(self, name: str, content: bytes) -> str:
        """Write an object. Returns its `s3://` address. Raises PublishError."""
        key = PREFIX + name
        kind = _CONTENT_TYPES[name.rpartition("/")[2]]
        try:
            self._client.put_object(Bucket=self._name, Key=key, Body=content, ContentType=kind)
        except (BotoCoreError, ClientError) as error:
            raise PublishError(f"cannot write s3://{self._name}/{key}: {error}") from error
        return f"s3://{self._name}/{key}"


class Folder:
    """Reports in a folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, name: str, content: bytes) -> str:
        """Write a file. Returns its path. Raises PublishError."""
        path = self._path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise PublishError(f"cannot write {path}: {error.strerror}.") from error
        return str(path)


def read_report(queries: Queries, day: date, late_days: int, time_left: Callable[[], float]) -> DailyReport:
    """The figures of a day, with events that arrived until `late_days` after it. Raises a ReportError or QueryError."""

    def ask(name: str, values: Mapping[str, object]) -> list[Row]:
        try:
            return queries.rows(catalog.query(name).fill({**values, "late_days": late_days}), time_left)
        except catalog.StatementError as error:
            raise QueryFailedError(str(error)) from error

    totals, movers = ask(REPORT_QUERY, {"day": day}), ask(MOVERS_QUERY, {"day": day, "top": TOP})
    first = day - timedelta(days=DAYS_BEFORE)
    return daily_report(day, totals, movers, ask(RECONCILIATION_QUERY, {"from_day": first, "to_day": day}))


def publish(
    queries: Queries, shelf: Shelf, day: date, time_left: Callable[[], float], *, late_days: int = LATE_DAYS
) -> Published:
    """Write the files of a day. Idempotent: without new events the bytes are the same.

    Raises a ReportError or QueryError.
    """
    report = read_report(queries, day, late_days, time_left)
    files = {CSV_NAME: as_csv(report), PAGE_NAME: as_page(report)}
    return Published(tuple(shelf.put(f"dt={day}/{name}", content) for name, content in files.items()), report.missing)


def publish_all(queries: Queries, shelf: Shelf, due: Due, time_left: Callable[[], float]) -> Published:
    """Write the reports of several days. A day that fails does not stop the others.

    Raises ReportsFailedError at the end if a day failed; its message gives the reasons.
    """
    written: list[Published] = []
    failures: list[str] = []
    for day in due.days:
        try:
            written.append(publish(queries, shelf, day, time_left, late_days=due.late_days))
        except (ReportError, QueryError) as error:
            failures.append(f"{day}: {error}")
    if failures:
        raise ReportsFailedError("reports were not written. " + " ".join(failures))
    return Published(tuple(file for each in written for file in each.files), sum(each.missing for each in written))
