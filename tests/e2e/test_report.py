"""The daily report of the deployed system against the event table: every figure is a plain sum over its rows."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.reporting.amounts import plain_amount
from local.emulator import aws
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone

HANDLER = "lambdas.handlers.daily_report.handler"
KINDS = {
    "AccountCreated": ("opened", None),
    "AccountClosed": ("closed", None),
    "BalanceCredited": ("credits", "credited"),
    "BalanceWithdrawn": ("withdrawals", "withdrawn"),
    "TransferSent": ("transfers", "transferred"),
    "TransferReceived": (None, None),
}
SIGNS = {"BalanceCredited": 1, "TransferReceived": 1, "BalanceWithdrawn": -1, "TransferSent": -1}
AMOUNTS = ("credited", "withdrawn", "transferred", "net")


@pytest.fixture(scope="module")
def day(environment: Environment) -> str:
    """The day (UTC) on which some events of several kinds and currencies were recorded."""
    client = Client(environment)

    def opened(currency: str) -> str:
        account_id: str = client.post("/accounts", {"currency": currency}, expected=201).body["account_id"]
        return account_id

    euro, other, yen, dinar = opened("EUR"), opened("EUR"), opened("JPY"), opened("BHD")
    for account, amounts in ((euro, (10050, 1, 99)), (yen, (98765,)), (dinar, (1234567,))):
        for amount in amounts:
            client.post(f"/accounts/{account}/credit", {"amount": amount}, expected=200)
    client.post(f"/accounts/{dinar}/withdraw", {"amount": 7}, expected=200)
    client.post("/transfers", {"from_account_id": euro, "to_account_id": other, "amount": 5025}, expected=201)
    last = client.post(f"/accounts/{opened('EUR')}/close", {}, expected=200).body["updated_at"]
    client.close()
    return str(last)[:10]


def sums(environment: Environment, day: str) -> dict[str, dict[str, int]]:
    """What the event table holds of a day, by currency."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    accounts: dict[str, set[str]] = defaultdict(set)
    for row in rows(environment):
        if not row["recorded_at"]["S"].startswith(day):
            continue
        kind, data = row["type"]["S"], json.loads(row["data"]["S"])
        currency = data["currency"]
        if currency == TEST_CURRENCY:
            continue  # in no report
        count, amount = KINDS[kind]
        line = found[currency]
        line["events"] += 1
        line["net"] += SIGNS.get(kind, 0) * data.get("amount", 0)
        accounts[currency].add(row["stream_id"]["S"])
        if count:
            line[count] += 1
        if amount:
            line[amount] += data["amount"]
    for currency, its_accounts in accounts.items():
        found[currency]["active_accounts"] = len(its_accounts)
    return found


def rows(environment: Environment) -> list[dict[str, Any]]:
    pages = aws.client(environment, "dynamodb").get_paginator("scan").paginate(TableName=environment.event_table)
    return [row for page in pages for row in page["Items"]]


def lines(report: bytes) -> dict[str, dict[str, str]]:
    return {line["currency"]: line for line in csv.DictReader(io.StringIO(report.decode(), newline=""))}


def until_complete(write: Callable[[], bytes], events: int) -> bytes:
    """Write the report until all events have arrived in the lake."""

    def complete() -> bytes | None:
        report = write()
        arrived = sum(int(line["events"]) for line in lines(report).values())
        assert arrived <= events, "an event is counted twice"
        return report if arrived == events else None

    found: bytes = eventually(complete, f"the {events} events in the report", every=1.0)
    return found


def test_the_scheduled_function_and_the_command_line_write_the_same_true_report(
    environment: Environment, day: str, tmp_path: Path, environment_file: Path
) -> None:
    functions = aws.client(environment, "lambda")
    pages = functions.get_paginator("list_functions").paginate()
    [function] = [each for page in pages for each in page["Functions"] if each["Handler"] == HANDLER]
    s3 = aws.client(environment, "s3")

    def stored(name: str) -> bytes:
        content: bytes = s3.get_object(Bucket=environment.report_bucket, Key=f"reports/dt={day}/{name}")["Body"].read()
        return content

    def invoke() -> bytes:
        answer = functions.invoke(
            FunctionName=function["FunctionName"], Qualifier="live", Payload=json.dumps({"date": day}).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        return stored("report.csv")

    truth = sums(environment, day)
    report = lines(until_complete(invoke, sum(line["events"] for line in truth.values())))
    assert set(report) == set(truth) >= {"EUR", "JPY", "BHD"}
    for currency, line in report.items():
        for name in ("events", "active_accounts", "opened", "closed", "credits", "withdrawals", "transfers"):
            assert int(line[name]) == truth[currency][name], (currency, name)
        for name in AMOUNTS:
            assert line[name] == plain_amount(truth[currency][name], currency), (currency, name)
        assert line["missing"] == "0"
    assert stored("index.html").count(b"<svg") >= 4

    arguments = ["report", "--date", day, "--environment-file", str(environment_file), "--output", str(tmp_path)]
    assert main(arguments) == 0
    before = stored("index.html")
    assert main(arguments[:-2]) == 0, "into the system's own bucket"
    assert stored("index.html") == before
    for name in ("report.csv", "index.html"):
        assert (tmp_path / f"dt={day}" / name).read_bytes() == stored(name)


def test_a_wrong_request_raises_so_that_the_alarm_is_raised(environment: Environment) -> None:
    functions = aws.client(environment, "lambda")
    pages = functions.get_paginator("list_functions").paginate()
    [function] = [each for page in pages for each in page["Functions"] if each["Handler"] == HANDLER]
    answer = functions.invoke(FunctionName=function["FunctionName"], Qualifier="live", Payload=b'{"date": "soon"}')
    assert answer["FunctionError"]
    assert b"give {} or" in answer["Payload"].read()


@pytest.fixture
def environment_file(environment: Environment, tmp_path: Path) -> Path:
    """The description of the running system as a file."""
    path = tmp_path / "environment.json"
    environment.save(path)
    return path
