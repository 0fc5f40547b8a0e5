"""The views over a small history with deliveries repeated."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest

from analytics.catalog import views
from lambdas.accounts.events import EVENTS, AccountEvent
from lambdas.accounts.state import Account, evolve
from lambdas.contracts.examples import EVENT_EXAMPLES
from lambdas.contracts.lake import data_fields
from tests.unit.analytics.conftest import FIRST, SECOND, THIRD, A, B, C
from tests.unit.analytics.lake import DATABASE, Lake, event


def test_each_event_stands_once(lake: Lake) -> None:
    assert lake.sql("SELECT count(*) AS n FROM events") == [{"n": 14}]
    found = lake.sql("SELECT id, streamversion FROM domain_events ORDER BY id")
    assert [row["id"] for row in found] == sorted(event.id for event in (*FIRST, *SECOND, *THIRD))


def test_an_event_moves_its_accounts_balance_up_or_down_or_not(lake: Lake) -> None:
    found = lake.sql("SELECT event, sum(signed_amount) AS moved FROM domain_events GROUP BY event ORDER BY event")
    assert {row["event"]: row["moved"] for row in found} == {
        "AccountClosed": 0,
        "AccountCreated": 0,
        "BalanceCredited": 1100,
        "BalanceWithdrawn": -1050,
        "TransferReceived": 300,
        "TransferSent": -300,
    }


@pytest.mark.parametrize("example", EVENT_EXAMPLES, ids=lambda each: type(each).__name__)
def test_the_views_move_a_balance_as_the_domain_does(tmp_path: Path, example: AccountEvent) -> None:
    lake = Lake(tmp_path)
    kind, data = type(example).__name__, msgspec.to_builtins(example)
    lake.arrive("2026-03-01", [event(kind, A, 1, "2026-03-01 10:00:00", **data)])
    before = Account("open", "EUR", 0, 0)
    moved = evolve(before, example).balance - before.balance
    assert lake.sql("SELECT event, signed_amount FROM domain_events") == [{"event": kind, "signed_amount": moved}], (
        "say in analytics/views/delivered_events.sql what the event adds to a balance"
    )


@pytest.mark.parametrize("name", ["delivered_events", "domain_events"])
def test_every_field_of_an_event_is_a_column(name: str) -> None:
    columns = views()[name].columns
    fields = data_fields(EVENTS)
    assert {field: columns.get(field) for field in fields} == fields


def test_balances(lake: Lake) -> None:
    found = {row["account_id"]: row for row in lake.sql("SELECT * FROM account_balances")}
    assert {name: (row["balance"], row["status"], row["version"]) for name, row in found.items()} == {
        A: (0, "open", 5),
        B: (0, "closed", 4),
        C: (50, "open", 2),
    }
    assert found[A]["overdraft_limit"] == 100
    assert found[C]["currency"] == "CZK"
    assert found[A]["updated_at"] == datetime(2026, 3, 3, 9)  # noqa: DTZ001 - the lake's timestamps carry no zone


def test_daily_activity(lake: Lake) -> None:
    found = lake.sql(f"SELECT * FROM daily_account_activity WHERE account_id IN ('{A}', '{B}')")
    by_day = {(row["day"].day, row["account_id"]): row for row in found}
    assert {key: row["net"] for key, row in by_day.items()} == {
        (1, A): 700, (1, B): 300, (2, A): -750, (2, B): -300, (3, A): 50, (3, B): 0,
    }  # fmt: skip
    assert (by_day[3, B]["currency"], by_day[3, B]["closed"]) == ("EUR", 1)
    first = by_day[1, A]
    assert (first["day"], first["opened"], first["closed"]) == (date(2026, 3, 1), 1, 0)
    assert (first["credits"], first["credited"], first["transfers"], first["transferred"]) == (1, 1000, 1, 300)
    assert (by_day[1, B]["transfers_in"], by_day[1, B]["transferred_in"]) == (1, 300)
    assert (by_day[2, B]["withdrawals"], by_day[2, B]["withdrawn"]) == (1, 300)


def test_the_views_figures_are_the_reports(lake: Lake) -> None:
    closed_later_that_day = [
        event("BalanceWithdrawn", C, 3, "2026-03-03 12:00:00", amount=50, currency="CZK"),
        event("AccountClosed", C, 4, "2026-03-03 12:00:01", currency="CZK"),
    ]
    lake.arrive("2026-03-03", closed_later_that_day)
    measures = [name for name in lake.query("daily_report", day="2026-03-01")[0] if name not in {"day", "currency"}]
    sums = ", ".join(f"CAST(sum({each}) AS bigint) AS {each}" for each in measures if each != "active_accounts")
    found = lake.sql(
        f"SELECT day, currency, count(DISTINCT account_id) AS active_accounts, {sums} "
        "FROM daily_account_activity GROUP BY day, currency ORDER BY day, currency"
    )
    for number in (1, 2, 3):
        day = f"2026-03-0{number}"
        of_day = [
            {name: row[name] for name in ("day", "currency", *measures)} for row in found if str(row["day"]) == day
        ]
        assert lake.query("daily_report", day=day) == of_day
        assert lake.query("daily_activity_per_currency", from_day=day, to_day=day) == of_day
    assert [row["currency"] for row in found] == ["EUR", "CZK", "EUR", "CZK", "EUR"]
    assert [row["closed"] for row in found[-2:]] == [1, 1]


@pytest.mark.parametrize("name", views())
def test_a_views_declared_columns_are_those_of_its_statement(name: str, lake: Lake) -> None:
    sql_types = {"string": "VARCHAR", "bigint": "BIGINT", "timestamp": "TIMESTAMP", "date": "DATE"}
    sql_types["boolean"] = "BOOLEAN"
    sql_types["decimal(38,0)"] = "DECIMAL(38,0)"
    declared = views()[name].columns
    values = ", ".join(f"max(typeof({column})) AS {column}" for column in declared)
    (found,) = lake.sql(f"SELECT {values} FROM {DATABASE}.{name}")
    counted = {column for column, kind in found.items() if kind == "HUGEINT"}  # DuckDB's count_if; Athena's is bigint
    assert {column: kind for column, kind in found.items() if column not in counted} == {
        column: sql_types[kind] for column, kind in declared.items() if column not in counted
    }
    assert {declared[column] for column in counted} <= {"bigint"}
    assert list(lake.sql(f"SELECT * FROM {name}")[0]) == list(declared)
