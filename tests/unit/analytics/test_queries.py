"""The named queries over a small history with deliveries repeated."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlglot
from msgspec.structs import replace
from sqlglot import exp

from analytics.catalog import queries, query, views
from tests.unit.analytics.conftest import EUR, FIRST, SECOND, THIRD, A, B, C
from tests.unit.analytics.lake import Lake, event

TIMES = {"time", "recordedtime", "day", "occurred_at", "recorded_at"}


def test_a_statement_has_the_running_balance_and_the_value_date(lake: Lake) -> None:
    found = lake.query("account_statement", account_id=A)
    assert [(row["version"], row["event"], row["amount"], row["balance"]) for row in found] == [
        (1, "AccountCreated", 0, 0),
        (2, "BalanceCredited", 1000, 1000),
        (3, "TransferSent", -300, 700),
        (4, "BalanceWithdrawn", -750, -50),
        (5, "BalanceCredited", 50, 0),
    ]
    assert found[1]["reference"] == "it's pay"
    assert found[3]["occurred_at"] == datetime(2026, 2, 27, 12)  # noqa: DTZ001 - the lake's timestamps carry no zone


def test_balances_as_of_a_moment_are_those_known_then(lake: Lake) -> None:
    found = lake.query("balances_as_of", at="2026-03-02T00:00:00Z")
    assert [(row["account_id"], row["balance"], row["version"]) for row in found] == [(A, -50, 4), (B, 300, 2)]
    before = lake.query("balances_as_of", at="2026-03-02T00:59:59.999+01:00")
    assert [(row["account_id"], row["balance"]) for row in before] == [(A, 700), (B, 300)]


def test_an_event_of_the_asked_millisecond_is_in_its_balance(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", [event("BalanceCredited", A, 1, "2026-03-01 10:00:00.123", amount=7, **EUR)])
    found = lake.query("balances_as_of", at="2026-03-01T10:00:00.123Z")
    assert [(row["account_id"], row["balance"]) for row in found] == [(A, 7)]
    assert lake.query("balances_as_of", at="2026-03-01T10:00:00.122Z") == []


def test_the_events_of_days(lake: Lake) -> None:
    found = lake.query("domain_events_of_days", from_day="2026-03-02", to_day="2026-03-03")
    assert [row["id"] for row in found] == sorted(each.id for each in (*SECOND, *THIRD))


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_contents_of_one_moment_the_same_one_stands_whichever_is_read_first(tmp_path: Path, order: int) -> None:
    """In one partition `rowhash` decides: without it the answer may change from one question to the next."""
    lake = Lake(tmp_path)
    one = event("BalanceCredited", A, 1, "2026-03-01 09:00:00", amount=1, **EUR)
    contents = [
        replace(one, rowhash="A" * 43 + "="),
        replace(one, rowhash="B" * 43 + "=", data=one.data | {"amount": 2}),
    ]
    for each in contents[::order]:
        lake.arrive("2026-03-01", [each])
    assert lake.sql("SELECT balance FROM account_balances") == [{"balance": 1}]
    day = {"from_day": "2026-03-01", "to_day": "2026-03-01"}
    assert [row["credited"] for row in lake.query("daily_activity_per_currency", **day)] == [1]
    assert [row["rowhash"] for row in lake.query("domain_events_of_days", **day)] == [contents[0].rowhash]
    assert [row["credited"] for row in lake.query("daily_report", day="2026-03-01")] == [1]
    assert [row["moved"] for row in lake.query("top_movers", day="2026-03-01", top=1)] == [1]


def test_the_events_of_days_stand_in_the_order_of_versions_which_are_numbers(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    moments = {10: "2026-03-01 08:00:00", 9: "2026-03-01 09:00:00", 11: "2026-03-01 08:00:00"}
    for account in (B, A):
        lake.arrive("2026-03-01", [event("AccountClosed", account, *each, **EUR) for each in moments.items()])
    found = lake.query("domain_events_of_days", from_day="2026-03-01", to_day="2026-03-01")
    assert [row["id"] for row in found] == [f"{account}/{version}" for account in (A, B) for version in (9, 10, 11)]


def test_daily_activity_per_currency(lake: Lake) -> None:
    found = lake.query("daily_activity_per_currency", from_day="2026-03-01", to_day="2026-03-02")
    assert [(row["day"].day, row["currency"], row["active_accounts"], row["net"]) for row in found] == [
        (1, "EUR", 2, 1000),
        (2, "CZK", 1, 50),
        (2, "EUR", 2, -1050),
    ]
    assert (found[0]["transfers"], found[0]["transferred"], found[0]["credited"]) == (1, 300, 1000)
    assert (found[2]["withdrawals"], found[2]["withdrawn"]) == (2, 1050)


def test_top_movers(lake: Lake) -> None:
    found = lake.query("top_movers", day="2026-03-01", top=1)
    assert found == [
        {
            "day": date(2026, 3, 1),
            "currency": "EUR",
            "place": 1,
            "account_id": A,
            "moved": 1300,
            "net": 700,
            "events": 2,
        }
    ]
    second = lake.query("top_movers", day="2026-03-02", top=2)
    assert [(row["currency"], row["place"], row["account_id"], row["moved"]) for row in second] == [
        ("CZK", 1, C, 50), ("EUR", 1, A, 750), ("EUR", 2, B, 300),
    ]  # fmt: skip


def test_the_daily_report(lake: Lake) -> None:
    (first,) = lake.query("daily_report", day="2026-03-01")
    assert first == {
        "day": date(2026, 3, 1), "currency": "EUR", "events": 5, "active_accounts": 2, "opened": 2, "closed": 0,
        "credits": 1, "credited": 1000, "withdrawals": 0, "withdrawn": 0, "transfers": 1, "transferred": 300,
        "net": 1000,
    }  # fmt: skip
    third = lake.query("daily_report", day="2026-03-03")
    assert [(row["currency"], row["events"], row["closed"], row["net"]) for row in third] == [
        ("EUR", 2, 1, 50),  # the file of one came three days later
    ]


def test_the_report_leaves_out_partitions_in_which_the_day_cannot_be(lake: Lake) -> None:
    astray = event("BalanceCredited", A, 6, "2026-03-01 12:00:00", amount=7, **EUR)
    for day in ("2026-02-27", "2026-03-05"):
        lake.arrive(day, [astray])
    assert lake.query("daily_report", day="2026-03-01")[0]["credited"] == 1000
    lake.arrive("2026-03-04", [astray])
    assert lake.query("daily_report", day="2026-03-01")[0]["credited"] == 1007
    before = event("BalanceCredited", A, 7, "2026-03-01 00:00:00", amount=11, **EUR)
    lake.arrive("2026-02-28", [before])
    assert lake.query("daily_report", day="2026-03-01")[0]["credited"] == 1018


@pytest.mark.parametrize(("seconds", "found"), [((5, 6), 2), ((7, 6), 0)])
def test_ten_withdrawals_in_a_minute(tmp_path: Path, seconds: tuple[int, int], found: int) -> None:
    lake = Lake(tmp_path)
    step, begin = seconds
    withdrawals = [
        event("BalanceWithdrawn", A, number + 2, f"2026-03-01 10:{t // 60:02}:{t % 60:02}", amount=1, **EUR)
        for number in range(11)
        for t in [begin + number * step]
    ]
    lake.arrive("2026-03-01", [*withdrawals, *withdrawals[:3]])
    rows = lake.query("rapid_withdrawals", from_day="2026-03-01", to_day="2026-03-01", times=10)
    assert [row["version"] for row in rows] == [11, 12][:found]
    if rows:
        assert (rows[0]["ended_at"] - rows[0]["began_at"]).seconds == 9 * step


@pytest.mark.parametrize(("second", "found"), [("10:00:59.999", [3]), ("10:01:00.000", [])])
def test_a_minute_is_over_after_sixty_seconds(tmp_path: Path, second: str, found: list[int]) -> None:
    lake = Lake(tmp_path)
    moments = enumerate(["2026-03-01 10:00:00", f"2026-03-01 {second}"], start=2)
    lake.arrive("2026-03-01", [event("BalanceWithdrawn", A, version, at, amount=1, **EUR) for version, at in moments])
    rows = lake.query("rapid_withdrawals", from_day="2026-03-01", to_day="2026-03-01", times=2)
    assert [row["version"] for row in rows] == found


@pytest.mark.parametrize(
    ("from_day", "to_day", "found"),
    [
        ("2026-03-02", "2026-03-02", [11]),
        ("2026-03-01", "2026-03-02", [11]),
        ("2026-03-01", "2026-03-01", []),  # it was not complete
        ("2026-03-03", "2026-03-03", []),
    ],
)
def test_a_series_across_midnight_counts_on_the_day_that_completes_it(
    tmp_path: Path, from_day: str, to_day: str, found: list[int]
) -> None:
    lake = Lake(tmp_path)
    moments = [f"2026-03-01 23:59:{second}" for second in range(50, 60, 2)]
    moments += [f"2026-03-02 00:00:0{second}" for second in (0, 1, 2, 3, 5)]
    withdrawals = [event("BalanceWithdrawn", A, 2 + n, each, amount=1, **EUR) for n, each in enumerate(moments)]
    lake.arrive("2026-02-28", withdrawals[:1])  # a file's day can be the one before
    lake.arrive("2026-03-01", withdrawals[1:5])
    lake.arrive("2026-03-02", withdrawals[5:])
    rows = lake.query("rapid_withdrawals", from_day=from_day, to_day=to_day, times=10)
    assert [row["version"] for row in rows] == found


def test_accounts_below_zero(lake: Lake) -> None:
    assert lake.query("below_zero") == [
        {"account_id": A, "overdraft_limit": 100, "lowest_balance": -50, "events_below_zero": 1, "first_version": 4}
    ]


def test_events_of_one_moment_move_the_balance_in_the_order_of_their_versions(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    moment = "2026-03-01 10:00:00.123"
    events = [event("AccountCreated", A, 1, moment, overdraft_limit=5, **EUR)]
    for version in range(2, 42):
        kind = "BalanceWithdrawn" if version % 2 else "BalanceCredited"
        events.append(event(kind, A, version, moment, amount=105 if version == 21 else 100, **EUR))
    lake.arrive("2026-03-01", [*events[::2], *events[1::2]])
    assert lake.query("below_zero") == [
        {"account_id": A, "overdraft_limit": 5, "lowest_balance": -5, "events_below_zero": 11, "first_version": 21}
    ]
    balances = [row["balance"] for row in lake.query("account_statement", account_id=A)]
    assert balances == [0, *[100, 0] * 9, 100, *[-5, 95] * 10, -5]


def test_a_complete_lake_reconciles(lake: Lake) -> None:
    found = lake.query("reconciliation", from_day="2026-03-01", to_day="2026-03-03")
    assert [tuple(row.values())[1:] for row in found] == [(6, 5, 1, 5, 0), (5, 4, 1, 4, 0), (2, 2, 0, 2, 0)]
    assert lake.query("version_gaps") == []


def test_a_lost_event_shows_as_missing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", [each for each in FIRST if each.id not in {f"{A}/2", f"{B}/2"}])
    lake.arrive("2026-03-02", SECOND)
    found = lake.query("reconciliation", from_day="2026-03-01", to_day="2026-03-02")
    assert [(row["day"].day, row["expected"], row["missing"]) for row in found] == [(1, 4, 1), (2, 5, 1)]
    gaps = [(row["account_id"], row["first_missing"], row["last_missing"]) for row in lake.query("version_gaps")]
    assert gaps == [(A, 2, 2), (B, 2, 2)]


def test_a_hole_between_two_of_the_days_is_missing_on_the_later_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", FIRST)
    lake.arrive("2026-03-03", THIRD)
    both = lake.query("reconciliation", from_day="2026-03-01", to_day="2026-03-03")
    assert [(row["day"].day, row["missing"]) for row in both] == [(1, 0), (3, 2)], "A's and B's of the second"
    alone = lake.query("reconciliation", from_day="2026-03-03", to_day="2026-03-03")
    assert [(row["day"].day, row["missing"]) for row in alone] == [(3, 0)], "what was before is not known"


def test_versions_that_are_on_an_earlier_day_too_hide_no_hole_of_another_account(tmp_path: Path) -> None:
    """A was restored to version 1 and went on; C lacks 2 and 3."""
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", FIRST)
    again = [event("BalanceCredited", A, each, f"2026-03-02 08:00:0{each}", amount=5, **EUR) for each in (2, 3, 4)]
    holed = [event("BalanceCredited", C, each, f"2026-03-02 09:00:0{each}", amount=7, **EUR) for each in (1, 4)]
    lake.arrive("2026-03-02", [*again, *holed])
    found = lake.query("reconciliation", from_day="2026-03-01", to_day="2026-03-02")
    assert [(row["events"], row["expected"], row["missing"]) for row in found] == [(5, 5, 0), (5, 7, 2)]
    lake.arrive("2026-03-02", [event("BalanceCredited", C, each, "2026-03-02 09:00:03", **EUR) for each in (2, 3)])
    found = lake.query("reconciliation", from_day="2026-03-01", to_day="2026-03-02")
    assert [(row["events"], row["expected"], row["missing"]) for row in found] == [(5, 5, 0), (7, 7, 0)]


def test_an_account_of_which_two_days_end_with_one_version_lacks_nothing(tmp_path: Path) -> None:
    """Of equal newest versions the day decides which is the earlier one."""
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", [event("BalanceCredited", A, 3, "2026-03-01 08:00:00", amount=5, **EUR)])
    lake.arrive("2026-03-02", [event("BalanceCredited", A, 3, "2026-03-02 08:00:00", amount=5, **EUR)])
    found = lake.query("reconciliation", from_day="2026-03-01", to_day="2026-03-02")
    assert [(row["expected"], row["missing"]) for row in found] == [(1, 0), (1, 0)]


def test_what_lies_outside_the_days_partitions_is_no_hole(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.arrive("2026-02-28", [event("BalanceCredited", A, 7, "2026-03-01 00:00:00", amount=1, **EUR)])
    lake.arrive("2026-03-01", [event("BalanceCredited", A, 8, "2026-03-01 00:00:01", amount=1, **EUR)])
    lake.arrive("2026-03-01", [event("BalanceCredited", A, 9, "2026-03-02 00:00:01", amount=1, **EUR)])
    lake.arrive("2026-03-02", [event("BalanceCredited", A, 10, "2026-03-02 00:00:02", amount=1, **EUR)])
    found = lake.query("reconciliation", from_day="2026-03-02", to_day="2026-03-02")
    assert [(row["events"], row["expected"], row["missing"]) for row in found] == [(2, 2, 0)]


def test_a_row_that_was_replayed_late_comes_back_with_more_late_days(lake: Lake) -> None:
    lake.arrive("2026-03-20", [event("BalanceWithdrawn", A, 6, "2026-03-03 10:00:00", amount=5, **EUR)])
    lake.arrive("2026-03-03", [event("BalanceCredited", A, 7, "2026-03-03 11:00:00", amount=1, **EUR)])

    def told(**late: int) -> tuple[int, int, int]:
        (day,) = lake.query("reconciliation", from_day="2026-03-03", to_day="2026-03-03", **late)
        mover = lake.query("top_movers", day="2026-03-03", top=1, **late)[0]
        return day["missing"], lake.query("daily_report", day="2026-03-03", **late)[0]["withdrawn"], mover["moved"]

    assert told() == told(late_days=16) == (1, 0, 51)
    assert told(late_days=17) == (0, 5, 56)


def test_the_events_of_a_correlation_id_are_found_in_the_partitions_asked_for(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    mine = [
        replace(
            event("BalanceCredited", account, version, "2026-03-01 09:00:00", amount=1, **EUR), correlationid="it's"
        )
        for account, version in ((B, 3), (A, 10), (A, 9))
    ]
    other = event("BalanceCredited", A, 11, "2026-03-01 09:00:00", amount=1, **EUR)
    lake.arrive("2026-03-02", [*mine, other])
    lake.arrive("2026-03-01", [mine[0]])
    lake.arrive("2026-03-09", [mine[1]])

    def found(first: str, last: str) -> list[tuple[object, ...]]:
        rows = lake.query("correlated_events", correlation_id="it's", from_dt=first, to_dt=last)
        return [tuple(row.values()) for row in rows]

    late = (f"{A}/10", A, 10, "2026-03-02", 1)
    assert found("2026-03-01", "2026-03-02") == [
        (f"{A}/9", A, 9, "2026-03-02", 1), late, (f"{B}/3", B, 3, "2026-03-01", 2)
    ]  # fmt: skip
    assert (f"{A}/10", A, 10, "2026-03-02", 2) in found("2026-03-01", "2026-03-09")
    assert found("2026-03-03", "2026-03-08") == []


EDITED = {
    "settled": "TIMESTAMP '2026-03-04 00:00:00.000'", "latest": "TIMESTAMP '2026-03-03 00:00:00.000'",
    "salt": "'other'", "buckets": "',429,'", "accounts": f"',{A},'",
    "account_id": f"'{B}'", "at": "TIMESTAMP '2026-03-02 00:00:00'", "day": "DATE '2026-03-02'",
    "from_day": "DATE '2026-03-01'", "to_day": "DATE '2026-03-03'", "top": "1", "times": "1", "late_days": "2",
    "first_day": "DATE '2026-03-01'", "last_day": "DATE '2026-03-03'",
    "through": "TIMESTAMP '2026-03-02 00:00:00'",
    "from_account": f"'{A}'",
    "from_dt": "'2026-03-01'", "to_dt": "'2026-03-02'", "correlation_id": f"'{FIRST[0].correlationid}'",
}  # fmt: skip


@pytest.mark.parametrize("name", queries())
def test_a_query_of_the_console_runs_as_it_stands_and_with_its_values_edited_in_one_place(
    name: str, lake: Lake
) -> None:
    statement = query(name)
    text = statement.as_it_stands()
    lake.sql(text)
    values = {}
    for parameter in statement.parameters:
        text, edits = re.subn(
            rf"^    .* AS {parameter}(?=,?$)", f"    {EDITED[parameter]} AS {parameter}", text, flags=re.MULTILINE
        )
        assert edits == 1
        values[parameter] = re.sub(r"^\w+ '|'", "", EDITED[parameter])
    assert lake.sql(text) == lake.query(name, **values)
    assert lake.sql(text) or name in {"booked_again", "sealable_restores", "stray_events", "version_gaps"}


@pytest.mark.parametrize("name", [*views(), *queries()])
def test_events_of_an_account_are_never_in_the_order_of_time_alone(name: str) -> None:
    """Equal times are normal: the order is the version. Only copies of one event, by id, are ordered by time."""
    for window in sqlglot.parse_one((views() | queries())[name].sql, dialect="athena").find_all(exp.Window):
        order = window.args.get("order")
        parts = {column.name for part in window.args.get("partition_by") or [] for column in part.find_all(exp.Column)}
        if order and "id" not in parts:
            assert not {each.name for each in order.find_all(exp.Column)} <= TIMES, window.sql("athena")


def test_everything_runs_on_an_empty_lake(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert lake.query("daily_report", day="2026-03-01") == []
    assert lake.query("account_statement", account_id=A) == []
    assert lake.sql("SELECT * FROM account_balances") == []
