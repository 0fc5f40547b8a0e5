"""Sums over accounts pass 2^63: in SQL they are decimals of 38 digits, and the daily report goes on."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from analytics.catalog import queries, views
from lambdas.accounts.money import MAX_AMOUNT
from lambdas.athena.queries import Row
from lambdas.reporting.csv_file import as_csv
from lambdas.reporting.figures import daily_report
from lambdas.reporting.page import as_page
from tests.unit.analytics.lake import Lake, event

DAY = "2026-03-01"
ACCOUNTS = 10
EACH = 930
TOTAL = ACCOUNTS * EACH * MAX_AMOUNT
"""Above 2^63."""


def account(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Each account gets all of the money in, and then gives it away: as much in transfers, as much as withdrawals."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for kind, first in (("BalanceCredited", 0), ("BalanceWithdrawn", EACH), ("TransferReceived", 2 * EACH)):
        lake.arrive(
            DAY,
            [
                event(kind, account(number), first + version, f"{DAY} 10:00:00", amount=MAX_AMOUNT, currency="EUR")
                for number in range(ACCOUNTS)
                for version in range(1, EACH + 1)
            ],
        )
    return lake


def test_the_figures_are_past_64_bits(lake: Lake) -> None:
    assert TOTAL > 2**63
    [line] = lake.query("daily_report", day=DAY)
    assert (line["credited"], line["withdrawn"], line["net"]) == (TOTAL, TOTAL, TOTAL)
    assert lake.query("daily_activity_per_currency", from_day=DAY, to_day=DAY) == [line]
    [whole] = lake.sql("SELECT sum(credited) AS credited, sum(transferred_in) AS came FROM daily_account_activity")
    assert whole == {"credited": TOTAL, "came": TOTAL}


def test_what_goes_in_and_out_of_an_account_may_add_up_to_more_than_its_balance(lake: Lake) -> None:
    moved = [row["moved"] for row in lake.query("top_movers", day=DAY, top=3)]
    assert moved == [3 * EACH * MAX_AMOUNT] * 3
    balances = {row["balance"] for row in lake.sql("SELECT balance FROM account_balances")}
    assert balances == {row["balance"] for row in lake.query("balances_as_of", at=f"{DAY}T10:00:00Z")}
    assert balances == {EACH * MAX_AMOUNT}


def texts(rows: list[dict[str, Any]]) -> list[Row]:
    """Rows as Athena writes them."""
    return [{name: str(value) for name, value in row.items()} for row in rows]


def test_the_daily_report_is_written(lake: Lake) -> None:
    days = {"from_day": DAY, "to_day": DAY}
    report = daily_report(
        date.fromisoformat(DAY),
        texts(lake.query("daily_report", day=DAY)),
        texts(lake.query("top_movers", day=DAY, top=10)),
        texts(lake.query("reconciliation", **days)),
    )
    [line] = csv.DictReader(io.StringIO(as_csv(report).decode(), newline=""))
    assert line["credited"].replace(".", "") == str(TOTAL)
    assert f"{TOTAL // 100:,}.{TOTAL % 100:02}" in as_page(report).decode()


@pytest.mark.parametrize("name", [*views(), *queries()])
def test_every_sum_of_money_is_a_decimal(name: str) -> None:
    if name == "reconciliation":
        return  # it adds up counts
    for each in sqlglot.parse_one((views() | queries())[name].sql, dialect="athena").find_all(exp.Sum):
        assert "AS DECIMAL(38, 0))" in each.this.sql("athena"), each.sql("athena")
