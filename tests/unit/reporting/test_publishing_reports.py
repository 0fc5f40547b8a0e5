"""Which days are reported, what is asked, where the files go, and how failures end."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from analytics.catalog import queries
from lambdas.athena.errors import QueryFailedError
from lambdas.athena.queries import Row
from lambdas.composition.settings import SettingsError
from lambdas.reporting.days import Due, days_to_report
from lambdas.reporting.errors import InvalidDayError, PublishError, ReportsFailedError
from lambdas.reporting.report import Bucket, Folder, Published, publish, publish_all
from tests.support.function_variables import REPORTS
from tests.unit.reporting.days import COUNTED, DAY, MOVERS, TOTALS, FakeAthena, athena, client_error, counted


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.failure: ClientError | None = None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        if self.failure:
            raise self.failure
        self.objects[Bucket, Key] = (Body, ContentType)


class SomeDays:
    """Answers the report's queries with no rows for every day but those that fail; `missing` are counted by day."""

    def __init__(self, failing: set[date]) -> None:
        self._failing = failing
        self.missing: dict[date, int] = {}
        self.asked: list[str] = []

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[Row]:
        self.asked.append(sql)
        for day in self._failing:
            if f"CAST(recordedtime AS date) = DATE '{day}'" in sql:
                raise QueryFailedError("query 7 ended FAILED: no such table")
        return [counted(number, day) for day, number in self.missing.items()] if "AS missing" in sql else []


def plenty() -> float:
    return 1000.0


def test_yesterday_and_the_three_days_before_so_that_each_is_written_until_its_partitions_are_over() -> None:
    today = date(2026, 3, 2)
    due = days_to_report({}, today=today)
    assert due.days == (date(2026, 3, 1), date(2026, 2, 28), date(2026, 2, 27), date(2026, 2, 26))
    assert due.days[-1] + timedelta(days=due.late_days) < today, "what the oldest report reads is complete"
    assert {each.defaults["late_days"] for each in queries().values() if "late_days" in each.parameters} == {
        str(due.late_days)
    }


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-22"])
def test_a_day_by_hand(day: str) -> None:
    assert days_to_report({"date": day}, today=date(2026, 11, 22)) == Due((date.fromisoformat(day),), 3)
    later = days_to_report({"date": day, "late_days": 30}, today=date(2026, 11, 22))
    assert later == Due((date.fromisoformat(day),), 30)


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        "2026-11-21",
        {"date": None},
        {"date": "21.11.2026"},
        {"date": "2026-02-30"},
        {"day": 1},
        {"date": "2026-11-21", "late_days": 2},
        {"date": "2026-11-21", "late_days": "9"},
    ],
)
def test_anything_else_is_refused_with_a_sentence(request_: Any) -> None:
    with pytest.raises(InvalidDayError, match=r'give \{\} or \{"date": "YYYY-MM-DD"\}'):
        days_to_report(request_, today=date(2026, 11, 22))


def test_what_is_due_has_no_days_of_its_own() -> None:
    with pytest.raises(InvalidDayError, match="late_days goes with the date of one day"):
        days_to_report({"late_days": 9}, today=date(2026, 11, 22))


def test_the_future_is_refused() -> None:
    with pytest.raises(InvalidDayError, match="2026-11-23 is in the future: it is 2026-11-22 in UTC"):
        days_to_report({"date": "2026-11-23"}, today=date(2026, 11, 22))


def test_files_of_a_day_and_the_same_bytes_again() -> None:
    s3 = FakeS3()
    client = FakeAthena(TOTALS, MOVERS, COUNTED)
    written = publish(athena(client), Bucket(s3, "lake"), DAY, plenty)
    first = dict(s3.objects)
    files = ("s3://lake/reports/dt=2026-11-21/report.csv", "s3://lake/reports/dt=2026-11-21/index.html")
    assert written == Published(files, missing=0)
    assert [kind for _, kind in first.values()] == ["text/csv; charset=utf-8", "text/html; charset=utf-8"]
    publish(athena(client := FakeAthena(TOTALS[::-1], MOVERS, COUNTED[::-1])), Bucket(s3, "lake"), DAY, plenty)
    assert s3.objects == first
    assert len(client.started) == 3
    for request in client.started:
        assert "DATE '2026-11-21'" in request["QueryString"]
        assert "date_add('day', 3, DATE '2026-11-21')" in request["QueryString"]
        assert ":day" not in request["QueryString"]
    assert "BETWEEN DATE '2026-11-18' AND DATE '2026-11-21'" in client.started[2]["QueryString"]


def test_what_came_late_is_asked_for_in_every_query() -> None:
    client = FakeAthena(TOTALS, MOVERS, (counted(4),))
    written = publish_all(athena(client), Bucket(FakeS3(), "lake"), Due((DAY,), 20), plenty)
    assert written.missing == 4
    assert [request["QueryString"].count("date_add('day', 20, DATE") for request in client.started] == [1, 1, 1]


def test_a_failing_day_does_not_keep_the_others_from_being_written(tmp_path: Path) -> None:
    days = [DAY - timedelta(days=age) for age in range(4)]
    with pytest.raises(ReportsFailedError, match="2026-11-20: query 7 ended FAILED: no such table"):
        publish_all(SomeDays({days[1]}), Folder(tmp_path), Due(tuple(days)), plenty)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dt=2026-11-18", "dt=2026-11-19", "dt=2026-11-21"]


def test_a_bucket_or_folder_that_cannot_be_written(tmp_path: Path) -> None:
    s3 = FakeS3()
    s3.failure = client_error("AccessDenied", "Access Denied")
    with pytest.raises(PublishError, match=r"cannot write s3://lake/reports/a/report\.csv: .*Access Denied"):
        Bucket(s3, "lake").put("a/report.csv", b"")
    (tmp_path / "file").write_text("")
    with pytest.raises(PublishError, match="cannot write"):
        Folder(tmp_path / "file").put("a/report.csv", b"")


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler's module as Lambda imports it."""
    for name, value in REPORTS.items():
        monkeypatch.setenv(name, value)
    return importlib.reload(importlib.import_module("lambdas.handlers.daily_report"))


CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn:aws:lambda:r:1:function:f", aws_request_id="1",
    get_remaining_time_in_millis=lambda: 900_000,
)  # fmt: skip


@pytest.fixture
def written(function: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SomeDays:
    """The queries that the function asks; its files go to `tmp_path`."""
    queries = SomeDays(set())
    monkeypatch.setattr(function, "utc_now", lambda: datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC))
    monkeypatch.setattr(function, "deployed_athena", lambda _: queries)
    monkeypatch.setattr(function, "deployed_bucket", lambda _: Folder(tmp_path))
    return queries


def test_the_function_writes_what_is_due_and_counts_it(
    function: ModuleType, written: SomeDays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = function.handler({}, CONTEXT)
    assert len(answer["files"]) == 8
    assert (tmp_path / "dt=2026-11-21" / "index.html").exists()
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [each["ReportsWritten"] for each in metrics] == [[4.0]]
    assert [each["EventsMissingInLake"] for each in metrics] == [[0.0]]


def test_the_function_counts_what_is_missing_in_all_its_reports(
    function: ModuleType, written: SomeDays, capsys: pytest.CaptureFixture[str]
) -> None:
    written.missing = {date(2026, 11, 21): 2, date(2026, 11, 19): 1, date(2026, 11, 17): 50}
    assert function.handler({}, CONTEXT)["missing"] == 3
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "EventsMissingInLake" in line]
    assert [each["EventsMissingInLake"] for each in metrics if "_aws" in each] == [[3.0]]
    names = {metric["Name"] for each in metrics for of in each["_aws"]["CloudWatchMetrics"] for metric in of["Metrics"]}
    assert "EventsMissingInLake" in names


def test_the_function_raises_when_a_report_is_not_written(function: ModuleType, written: SomeDays) -> None:
    written._failing.add(date(2026, 11, 19))
    with pytest.raises(ReportsFailedError, match="2026-11-19"):
        function.handler({}, CONTEXT)
    with pytest.raises(InvalidDayError):
        function.handler({"date": "tomorrow"}, CONTEXT)


def test_the_function_names_a_missing_variable(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPORT_BUCKET")
    with pytest.raises(SettingsError, match="not set: REPORT_BUCKET"):
        importlib.reload(function)
