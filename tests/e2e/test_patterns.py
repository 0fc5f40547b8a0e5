"""Queries that look for what is odd, and those offered in the console, on the running lake with what triggers them.

What the ledger would never write, a hole between versions, is put into the lake as a file of its own, on days long ago,
and taken away again.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from analytics import catalog
from cli.environments.lake import Target
from cli.sql.session import Session
from lambdas.contracts.lake import EVENTS_PREFIX
from local.emulator import aws
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.waiting import eventually
from tests.unit.analytics.lake import Lake, event

pytestmark = pytest.mark.alone

HANDLER = "lambdas.handlers.daily_report.handler"
LONG_AGO, DAY_AFTER, LATE = "2026-03-01", "2026-03-02", "2026-03-20"
Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]


@pytest.fixture(scope="module")
def ask(environment: Environment) -> Ask:
    """Statements on the running Athena."""
    session = Session(
        Target(
            athena_workgroup=environment.athena_workgroup,
            glue_database=environment.glue_database,
            region=environment.region,
            athena_endpoint_url=environment.athena_endpoint_url,
        )
    )

    def ask(statement: str) -> Rows:
        result = session.run(statement)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    return ask


class Account:
    """An account over HTTP, and what it was last answered."""

    def __init__(self, client: Client, **terms: int) -> None:
        self._client = client
        self.last = client.post("/accounts", {"currency": "EUR", **terms}, expected=201).body
        self.id = str(self.last["account_id"])

    def move(self, *amounts: int) -> None:
        """Credit what is above zero, withdraw what is below."""
        for amount in amounts:
            path = f"/accounts/{self.id}/{'credit' if amount > 0 else 'withdraw'}"
            self.last = self._client.post(path, {"amount": abs(amount)}, expected=200).body

    @property
    def day(self) -> str:
        """The booking day of its newest event."""
        return str(self.last["updated_at"])[:10]


@pytest.fixture
def client(environment: Environment) -> Iterator[Client]:
    """The API."""
    client = Client(environment)
    yield client
    client.close()


def until_there(ask: Ask, account: Account) -> None:
    counted = f"SELECT count(*) AS n FROM domain_events WHERE subject = '{account.id}'"
    eventually(lambda: ask(counted)[0]["n"] == account.last["version"], "the account's events in the lake", every=0.5)


def of(rows: Rows, account_id: str) -> list[tuple[Any, ...]]:
    """The rows of an account, without its id."""
    return [
        tuple(value for name, value in row.items() if name != "account_id")
        for row in rows
        if row["account_id"] == account_id
    ]


def test_an_account_that_went_below_zero(client: Client, ask: Ask) -> None:
    deep, level = Account(client, overdraft_limit=500), Account(client, overdraft_limit=500)
    deep.move(100, -300, -250, 1000, -550)
    level.move(100, -100)
    until_there(ask, deep)
    until_there(ask, level)
    found = ask(catalog.query("below_zero").fill({}))
    assert of(found, deep.id) == [(500, -450, 2, 3)]
    assert of(found, level.id) == []


def test_an_account_from_which_money_was_taken_ten_times_in_a_minute(client: Client, ask: Ask) -> None:
    rapid, slower = Account(client), Account(client)
    first_day = rapid.day
    rapid.move(100, *[-1] * 11)
    slower.move(100, *[-1] * 9)
    until_there(ask, rapid)
    until_there(ask, slower)
    days = {"from_day": first_day, "to_day": slower.day}
    found = ask(catalog.query("rapid_withdrawals").fill({**days, "times": 10}))
    moments = ask(f"SELECT streamversion, recordedtime FROM domain_events WHERE subject = '{rapid.id}'")
    at = {row["streamversion"]: row["recordedtime"] for row in moments}
    assert of(found, rapid.id) == [(at[3], at[12], 12), (at[4], at[13], 13)]
    assert of(found, slower.id) == []


@pytest.fixture
def holes(environment: Environment, tmp_path: Path) -> Iterator[str]:
    """An account long ago of which the lake lacks 3, 4 (they came 19 days late) and 6, 7, 8."""
    account, lake = str(uuid4()), Lake(tmp_path)

    def credit(version: int, moment: str) -> Any:
        return event("BalanceCredited", account, version, moment, amount=10, currency="EUR")

    opened = event("AccountCreated", account, 1, f"{LONG_AGO} 08:00:00", overdraft_limit=0, currency="EUR")
    files = {
        LONG_AGO: lake.arrive(LONG_AGO, [opened, credit(2, f"{LONG_AGO} 09:00:00"), credit(5, f"{LONG_AGO} 12:00:00")]),
        DAY_AFTER: lake.arrive(DAY_AFTER, [credit(9, f"{DAY_AFTER} 09:00:00")]),
        LATE: lake.arrive(LATE, [credit(3, f"{LONG_AGO} 10:00:00"), credit(4, f"{LONG_AGO} 11:00:00")]),
    }
    s3 = aws.client(environment, "s3")
    keys = {day: f"{EVENTS_PREFIX}dt={day}/{account}.parquet" for day in files}
    for day, path in files.items():
        s3.put_object(Bucket=environment.lake_bucket, Key=keys[day], Body=path.read_bytes())
    yield account
    for key in keys.values():
        s3.delete_object(Bucket=environment.lake_bucket, Key=key)


def test_holes_in_the_lake_are_named_and_reported(environment: Environment, ask: Ask, holes: str) -> None:
    assert of(ask(catalog.query("version_gaps").fill({})), holes) == [(6, 8)]

    def missing(**late: int) -> list[int]:
        reconciled = catalog.query("reconciliation").fill({"from_day": LONG_AGO, "to_day": DAY_AFTER, **late})
        return [row["missing"] for row in ask(reconciled)]

    assert missing() == [2, 3]
    assert missing(late_days=19) == [0, 3]

    functions, s3 = aws.client(environment, "lambda"), aws.client(environment, "s3")
    pages = functions.get_paginator("list_functions").paginate()
    [function] = [each for page in pages for each in page["Functions"] if each["Handler"] == HANDLER]

    def reported(request: dict[str, Any]) -> list[tuple[str, str, str]]:
        answer = functions.invoke(
            FunctionName=function["FunctionName"], Qualifier="live", Payload=json.dumps(request).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        key = f"reports/dt={request['date']}/report.csv"
        content = s3.get_object(Bucket=environment.report_bucket, Key=key)["Body"].read().decode()
        lines = csv.DictReader(io.StringIO(content, newline=""))
        return [(line["currency"], line["events"], line["missing"]) for line in lines]

    assert reported({"date": LONG_AGO}) == [("EUR", "3", "0"), ("XXX", "0", "2")]
    assert reported({"date": DAY_AFTER}) == [("EUR", "1", "0"), ("XXX", "0", "3")]
    assert reported({"date": LONG_AGO, "late_days": 19}) == [("EUR", "5", "0")]


def test_the_daily_view_and_the_report_say_the_same_of_today(client: Client, ask: Ask) -> None:
    closed, other = Account(client), Account(client)
    other.move(100, -40)
    client.post(f"/accounts/{closed.id}/close", {}, expected=200)
    closed.last = {**closed.last, "version": 2}
    until_there(ask, closed)
    until_there(ask, other)
    report = ask(catalog.query("daily_report").fill({"day": other.day}))
    measures = [name for name in report[0] if name not in {"day", "currency", "active_accounts"}]
    sums = ", ".join(f"CAST(sum({each}) AS bigint) AS {each}" for each in measures)
    view = ask(
        f"SELECT currency, count(DISTINCT account_id) AS active_accounts, {sums} FROM daily_account_activity "
        f"WHERE day = DATE '{other.day}' GROUP BY currency ORDER BY currency"
    )
    assert view == [{name: row[name] for name in view[0]} for row in report]
    assert all(row["currency"] != "XXX" for row in report)
    assert sum(row["closed"] for row in report if row["currency"] == "EUR") > 0


@pytest.mark.parametrize("name", catalog.queries())
def test_every_query_of_the_console_runs_as_it_stands(name: str, client: Client, ask: Ask) -> None:
    account = Account(client)
    until_there(ask, account)
    rows = ask(catalog.query(name).as_it_stands())
    if name == "account_statement":
        assert [(row["version"], row["event"]) for row in rows] == [(1, "AccountCreated")], (
            "the account that moved last"
        )
