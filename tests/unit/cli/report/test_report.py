"""`daybook report`: where it writes, what it prints and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.app import main
from cli.aws import AWS
from cli.environments.lake import Target
from cli.report import places, writing
from lambdas.athena.errors import ScanLimitError
from lambdas.athena.queries import Row
from lambdas.reporting.report import Folder, Queries, Shelf
from tests.support.envelopes import printed

WHERE = {
    "athena_workgroup": "w", "glue_database": "g", "region": "eu-west-1", "aws_endpoint_url": "http://127.0.0.1:1",
    "athena_endpoint_url": "http://127.0.0.1:2",
}  # fmt: skip


class Empty:
    """A lake without events but one that came 30 days late, and a hole; or one that cannot be asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[Row]:
        if self._error:
            raise self._error
        late = "date_add('day', 30, DATE '2026-11-21')" in sql and "AS missing" in sql
        return [{"day": "2026-11-21", "missing": "2"}] if late else []


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "utc_now", lambda: datetime(2026, 11, 22, 23, 59, tzinfo=UTC))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An environment file of a system with a bucket for reports."""
    path = tmp_path / "environment.json"
    path.write_text(json.dumps(WHERE | {"report_bucket": "results", "api_url": "x"}))
    return path


class Lake(AWS):
    """An empty lake, and buckets that are one folder; notes their names."""

    def __init__(self, folder: Path, error: Exception | None) -> None:
        self.folder, self.error = folder, error
        self.buckets: list[str] = []

    def queries(self, target: Target) -> Queries:
        return Empty(self.error)

    def bucket(self, target: Target, name: str) -> Shelf:
        self.buckets.append(name)
        return Folder(self.folder / "bucket")


def run(arguments: list[str], folder: Path, error: Exception | None = None) -> tuple[int, list[str]]:
    lake = Lake(folder, error)
    where = [] if "--environment-file" in arguments else ["--environment-file", "nowhere/environment.json"]
    return main(["report", *arguments, *where], connections=lake), lake.buckets


def test_a_day_to_a_folder(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, buckets = run(
        ["--date", "2026-11-22", "--environment-file", str(file), "--output", str(tmp_path / "out")], tmp_path
    )
    assert (status, buckets) == (0, [])
    day = tmp_path / "out" / "dt=2026-11-22"
    assert capsys.readouterr().out.splitlines() == [str(day / "report.csv"), str(day / "index.html")]
    assert b"Nothing was booked" in (day / "index.html").read_bytes()


def test_what_came_late_and_what_is_missing(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--date", "2026-11-21", "--environment-file", str(file), "--output", str(tmp_path)]
    assert run(arguments, tmp_path)[0] == 0
    assert capsys.readouterr().err == ""
    assert run([*arguments, "--late-days", "30"], tmp_path)[0] == 0
    assert capsys.readouterr().err == "daybook report: events are missing in the lake: 2.\n"


def test_what_is_due_to_the_systems_own_bucket(file: Path, tmp_path: Path) -> None:
    assert run(["--environment-file", str(file)], tmp_path) == (0, ["results"])
    assert sorted(each.name for each in (tmp_path / "bucket").iterdir()) == [
        "dt=2026-11-18", "dt=2026-11-19", "dt=2026-11-20", "dt=2026-11-21"
    ]  # fmt: skip


def test_json(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--date", "2026-11-21", "--environment-file", str(file), "--json", "--late-days", "30"]
    assert run(arguments, tmp_path)[0] == 0
    files = [str(tmp_path / "bucket" / "dt=2026-11-21" / name) for name in ("report.csv", "index.html")]
    assert printed("report", capsys)["data"] == {"files": files, "missing": 2}
    assert run(arguments, tmp_path, ScanLimitError("too much."))[0] == 1
    assert printed("report", capsys)["problem"] == {
        "exit_status": 1, "detail": "reports were not written. 2026-11-21: too much."
    }  # fmt: skip


def test_a_failure_is_one_sentence(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure = ScanLimitError("query 1 passed the scan cut-off.")
    assert run(["--date", "2026-11-21", "--environment-file", str(file)], tmp_path, failure)[0] == 1
    assert capsys.readouterr().err == (
        "daybook report: reports were not written. 2026-11-21: query 1 passed the scan cut-off.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--date", "2026-11-23"], "is in the future"),
        (["--late-days", "9"], "daybook report: --late-days goes with --date."),
        ([], "is the system running?"),
        (["--region", "eu-west-1"], "--region goes with --env"),
        (["--env", "prod", "--workgroup", "w", "--database", "d"], "--output FOLDER, or --bucket NAME"),
    ],
)
def test_wrong_usage(arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments, tmp_path)[0] == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--date", "tomorrow"], "Invalid value for '--date': 'tomorrow' is not a day as YYYY-MM-DD\n"),
        (["--timeout", "-5"], "'-5' is not a number of seconds\n"),
        (["--date", "20261121"], "'20261121' is not a day as YYYY-MM-DD\n"),
        (["--date", "2026-02-29"], "'2026-02-29' is not a day as YYYY-MM-DD\n"),
        (["--date", "2026-11-21", "--late-days", "2"], "'--late-days': '2' is not a number of days from 3 to 3650\n"),
        (["--date", "2026-11-21", "--late-days", "3651"], "'3651' is not a number of days from 3 to 3650\n"),
        (["--date", "2026-11-21", "--late-days", "²"], "'²' is not a number of days from 3 to 3650\n"),
    ],
)
def test_usage_that_the_parser_refuses(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, tmp_path)[0] == 2
    assert capsys.readouterr().err.removesuffix("`daybook report --help` shows what there is.\n").endswith(complaint)


def test_an_environment_file_without_a_bucket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "environment.json"
    path.write_text(json.dumps(WHERE))
    assert run(["--environment-file", str(path)], tmp_path)[0] == 2
    assert "Say where to write" in capsys.readouterr().err


def test_clients_of_the_emulator_need_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    target = Target(**WHERE)
    assert places.open_athena(target)
    assert places.open_bucket(target, "results")
