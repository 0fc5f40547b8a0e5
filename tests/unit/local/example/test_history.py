"""What `make run` shows in SQL is held against what the API told."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from cli.errors import QueryFailedError
from cli.sql.session import Result
from local.example import history
from local.example.account import Entry
from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError
from local.machine.progress import Progress

ENTRIES = [
    Entry(1, "AccountCreated", 0, 0, "2026-03-01T10:00:00.000Z"),
    Entry(2, "BalanceCredited", 60, 60, "2026-03-01T10:00:01.000Z"),
    Entry(3, "BalanceWithdrawn", -10, 50, "2026-03-01T10:00:02.000Z"),
]
STATEMENT = ["version", "event", "recorded_at", "amount", "balance"]
BALANCES = ["account_id", "status", "currency", "balance", "version"]


class Lake:
    """Answers by the statement; events arrive one a question."""

    def __init__(self) -> None:
        self.arrived = 0
        self.statement: list[tuple[Any, ...]] = [(e.version, e.type, None, e.amount, e.balance) for e in ENTRIES]
        self.balance = 50
        self.report: list[tuple[Any, ...]] = [(date(2026, 3, 1), "EUR", 3, 50)]

    def ask(self, statement: str) -> Result:
        if "count(*) AS events FROM domain_events" in statement:
            self.arrived += 1
            return Result(["events"], [(self.arrived,)], 0)
        if "FROM account_balances" in statement:
            return Result(BALANCES, [("1", "open", "EUR", self.balance, 3)], 2048)
        if "WHERE subject = '1'" in statement:
            return Result(STATEMENT, list(self.statement), 4096)
        assert "DATE '2026-03-01'" in statement
        return Result(["day", "currency", "events", "net"], list(self.report), 1024)


def show(lake: Lake) -> str:
    out = io.StringIO()
    history.show(lake.ask, "1", ENTRIES, Progress(io.StringIO()), Console(file=out, width=80))
    return out.getvalue()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_POLL_SECONDS", 0.0)


def test_it_waits_for_the_last_event_and_shows_statement_balances_and_report() -> None:
    lake = Lake()
    shown = show(lake)
    assert lake.arrived == len(ENTRIES)
    lines = [line.split() for line in shown.splitlines()]
    assert ["3", "BalanceWithdrawn", "-10", "50"] in lines
    assert ["1", "open", "EUR", "50", "3"] in lines
    assert ["net", "50"] in lines
    assert "4.0 KB scanned" in shown
    titles = [line for line in shown.splitlines() if line.endswith(".sql")]
    assert titles == [
        "Statement: analytics/queries/account_statement.sql",
        "Daily report: analytics/queries/daily_report.sql",
    ]
    assert max(map(len, shown.splitlines())) <= 80


def test_events_that_do_not_come_are_told() -> None:
    lake = Lake()
    with pytest.raises(ExampleFailedError, match=r"of the account's 1000 events are in the lake.*make logs"):
        history.wait_for(lake.ask, "1", 1000, patience=0.0)


def test_more_events_than_there_are_is_no_success() -> None:
    lake = Lake()
    lake.arrived = 5
    with pytest.raises(ExampleFailedError, match="6 of the account's 3 events"):
        history.wait_for(lake.ask, "1", 3)


def test_a_wrong_statement_balance_or_report_is_noticed() -> None:
    lake = Lake()
    lake.statement[2] = (3, "BalanceWithdrawn", None, -10, 49)
    with pytest.raises(ExampleFailedError, match="is not the history that the API answers"):
        show(lake)
    lake = Lake()
    lake.balance = 51
    with pytest.raises(ExampleFailedError, match="The balance in SQL is 51, and the API's is 50"):
        show(lake)
    lake = Lake()
    lake.report.clear()
    with pytest.raises(ExampleFailedError, match="The daily report of 2026-03-01 is empty"):
        show(lake)


def test_a_failing_statement_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __init__(self, _: object) -> None: ...

        def run(self, _: str) -> Result:
            raise QueryFailedError("The query failed: no.")

    monkeypatch.setattr(history, "Session", Failing)
    environment = Environment(
        api_url="", aws_endpoint_url="", region="", event_table="", commands_table="", command_processor="",
        command_parking_bucket="", domain_event_stream="",
        lake_bucket="", glue_database="db", athena_workgroup="group", report_bucket="",
        athena_endpoint_url="http://127.0.0.1:1",
    )  # fmt: skip
    with pytest.raises(ExampleFailedError, match=r"could not be queried\. The query failed: no\.") as failed:
        history.session(environment)("SELECT 1")
    assert failed.value.detail == "SELECT 1"
