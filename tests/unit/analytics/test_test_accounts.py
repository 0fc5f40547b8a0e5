"""Which views and queries hold accounts in the test currency, and that the others are as if there were none.

Every view and every query stands in one of the two lists, so a new one has to say which it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from analytics.catalog import queries, views
from lambdas.accounts.money import TEST_CURRENCY
from tests.unit.analytics.conftest import EUR, FIRST, SECOND, THIRD, A, C
from tests.unit.analytics.lake import Lake, event, revocation

T = "00000000-0000-4000-8000-0000000000f0"
XTS: dict[str, Any] = {"currency": TEST_CURRENCY}
TESTED = [
    event("AccountCreated", T, 1, "2026-03-01 08:00:00", overdraft_limit=500, **XTS),
    event("BalanceWithdrawn", T, 2, "2026-03-01 08:00:01", amount=100, **XTS),
    event("BalanceWithdrawn", T, 3, "2026-03-01 08:00:02", amount=100, **XTS),
    event("BalanceCredited", T, 4, "2026-03-02 08:00:00", amount=200, **XTS),
    event("TransferSent", T, 5, "2026-03-02 08:00:01", amount=1, transfer_id=T, to_account_id=A, **XTS),
    event("TransferReceived", T, 6, "2026-03-02 08:00:02", amount=1, transfer_id=T, from_account_id=A, **XTS),
    event("AccountClosed", T, 8, "2026-03-03 08:00:00", **XTS),  # version 7 is missing
]
ALL_BUCKETS = f",{','.join(map(str, range(4096)))},"
HOLD_THEM: dict[str, dict[str, Any]] = {
    "account_contents": {"accounts": f",{T},", "settled": "2026-03-05T00:00:00Z"},
    "account_statement": {"account_id": T},
    "booked_again": {"first_day": "2026-03-01", "last_day": "2026-03-01"},
    "bucket_accounts": {"buckets": ALL_BUCKETS, "salt": "s", "settled": "2026-03-05T00:00:00Z"},
    "correlated_events": {"correlation_id": "c-8", "from_dt": "2026-03-01", "to_dt": "2026-03-03"},
    "delivered_events": {},
    "domain_events": {},
    "domain_events_of_days": {"from_day": "2026-03-01", "to_day": "2026-03-03"},
    "event_buckets": {"salt": "s", "settled": "2026-03-05T00:00:00Z"},
    "event_digests": {},
    "partition_contents": {"from_dt": "2026-03-01", "to_dt": "2026-03-03"},
    "published_heads": {"at": "2026-03-03T12:00:00Z"},
    "published_since": {"from_dt": "2026-03-01"},
    "reconciliation": {"from_day": "2026-03-01", "to_day": "2026-03-03"},
    "recorded_versions": {"from_day": "2026-03-01", "to_day": "2026-03-03"},
    "sealable_events": {"from_dt": "2026-03-01", "through": "2026-03-04T00:00:00Z"},
    "sealable_restores": {},
    "stray_events": {"from_dt": "2026-03-02", "first_day": "2026-03-01", "last_day": "2026-03-03"},
    "uncompared_events": {"latest": "2026-03-01T00:00:00Z"},
    "version_gaps": {},
}
"""What shows events one by one, and what checks that none is missing or changed: test accounts are as good as any."""
LEAVE_THEM_OUT: dict[str, dict[str, Any]] = {
    "account_balances": {},
    "balances_as_of": {"at": "2026-03-03T12:00:00Z"},
    "below_zero": {},
    "daily_account_activity": {},
    "daily_activity_per_currency": {"from_day": "2026-03-01", "to_day": "2026-03-03"},
    "daily_report": {"day": "2026-03-01"},
    "rapid_withdrawals": {"from_day": "2026-03-01", "to_day": "2026-03-03", "times": 2},
    "top_movers": {"day": "2026-03-01", "top": 9},
}
"""What reports on accounts."""


def filled(folder: Path, *, tested: bool) -> Lake:
    lake = Lake(folder)
    # two withdrawals of another account in a minute, so that every report has a row
    quick = [event("BalanceWithdrawn", C, v, f"2026-03-01 1{v}:00:00", amount=1, **EUR) for v in (3, 4)]
    quick += [event("BalanceWithdrawn", A, v, f"2026-03-03 10:00:0{v}", amount=10, **EUR) for v in (6, 7)]
    lake.arrive("2026-03-01", [*FIRST, *quick, *SECOND, *THIRD])
    if tested:
        lake.arrive("2026-03-01", [*TESTED, TESTED[1]])
        again = event("BalanceWithdrawn", T, 2, "2026-03-02 09:00:00", amount=100, **XTS)
        lake.arrive("2026-03-02", [again])  # one id on two days
        lake.revoke(revocation(T, 8, "2026-03-03 09:00:00"))  # a restore that took nothing away
    return lake


def rows(lake: Lake, name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    found = lake.query(name, **values) if name in queries() else lake.sql(f"SELECT * FROM {name}")
    return sorted(found, key=repr)


def test_every_view_and_query_says_which_it_is() -> None:
    assert sorted([*HOLD_THEM, *LEAVE_THEM_OUT]) == sorted([*views(), *queries()])


@pytest.mark.parametrize("name", LEAVE_THEM_OUT)
def test_a_report_is_as_if_there_were_none(name: str, tmp_path: Path) -> None:
    without = rows(filled(tmp_path / "without", tested=False), name, LEAVE_THEM_OUT[name])
    assert without
    assert rows(filled(tmp_path / "with", tested=True), name, LEAVE_THEM_OUT[name]) == without


@pytest.mark.parametrize("name", HOLD_THEM)
def test_what_shows_or_checks_events_holds_them(name: str, tmp_path: Path) -> None:
    without = rows(filled(tmp_path / "without", tested=False), name, HOLD_THEM[name])
    assert rows(filled(tmp_path / "with", tested=True), name, HOLD_THEM[name]) != without


@pytest.mark.parametrize("name", [*views(), *queries()])
def test_one_view_alone_names_the_currency(name: str) -> None:
    sql = (views() | queries())[name].sql
    assert (TEST_CURRENCY in sql) == (name == "delivered_events")


@pytest.mark.parametrize("name", [each for each in LEAVE_THEM_OUT if each in queries()])
def test_partitions_are_still_filtered_before_duplicates_are_dropped(name: str) -> None:
    statement = sqlglot.parse_one(queries()[name].sql, dialect="athena")
    for select in statement.find_all(exp.Select):
        if select.args["from_"].this.name == "delivered_events":
            assert "dt" in {column.name for column in select.args["where"].find_all(exp.Column)}


def test_an_event_without_a_currency_is_no_test(tmp_path: Path) -> None:
    """Unknown kinds of later releases may have none: they are not hidden."""
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", [event("Renamed", A, 1, "2026-03-01 08:00:00")])
    assert lake.sql("SELECT is_test FROM domain_events") == [{"is_test": False}]
    assert len(lake.query("daily_report", day="2026-03-01")) == 1
