"""What a restore revoked counts nowhere, what it left and what came after it does, and what it tells is no event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics.catalog import queries, views
from lambdas.contracts.lake import EVENTS_TABLE, REVOCATIONS_TABLE
from tests.unit.analytics.conftest import EUR, FIRST, SECOND, THIRD, A, B, C
from tests.unit.analytics.lake import Lake, event, restored, revocation

ANNOUNCED = "2026-03-03 10:00:00"
VALUES: dict[str, Any] = {
    "account_id": A, "at": "2026-03-05 00:00:00", "day": "2026-03-02", "from_day": "2026-03-01", "to_day": "2026-03-04",
    "first_day": "2026-03-01", "last_day": "2026-03-04", "from_dt": "2026-02-28", "to_dt": "2026-03-09",
    "top": "9", "times": "2", "correlation_id": "c-4", "through": "2026-03-05 00:00:00",
    "accounts": f",{A},{C},", "buckets": f",{','.join(map(str, range(4096)))},", "salt": "salt",
    "settled": "2026-03-05 00:00:00", "latest": "2026-03-02 00:00:00",
}  # fmt: skip
AFTER = [
    event("BalanceCredited", A, 4, "2026-03-03 10:00:00", amount=7, **EUR),
    event("BalanceWithdrawn", A, 5, "2026-03-04 08:00:00", amount=1, **EUR),
]
"""How account A goes on from version 3, in the place of what was revoked; the first in the very millisecond."""


def answers(lake: Lake) -> dict[str, Any]:
    """What every view and every query says, but the one that tells of restores."""
    found: dict[str, Any] = {name: lake.sql(f"SELECT * FROM {name}") for name in views()}
    for name, query in queries().items():
        if name == "sealable_restores":
            continue
        found[name] = lake.query(name, **{each: VALUES[each] for each in query.parameters if each in VALUES})
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def test_the_whole_lake_says_what_it_would_if_the_revoked_had_never_been(tmp_path: Path) -> None:
    """Versions 4 and 5 of A and all of C are revoked, and told so; A went on."""
    events = [*FIRST, *SECOND, *THIRD]
    revoked = [each for each in events if each.subject == C or (each.subject == A and each.streamversion > 3)]
    told = [restored(A, 3, ANNOUNCED), restored(C, 0, ANNOUNCED)]
    lake = Lake(tmp_path / "restored")
    lake.arrive("2026-03-01", events)
    lake.arrive("2026-03-03", [*told, *AFTER, *revoked])
    lake.revoke(revocation(A, 3, ANNOUNCED), revocation(C, 0, ANNOUNCED))
    never = Lake(tmp_path / "never")
    never.arrive("2026-03-01", [each for each in events if each not in revoked])
    never.arrive("2026-03-03", AFTER)
    assert answers(lake) == answers(never)
    assert {row["account_id"] for row in answers(lake)["account_balances"]} == {A, B}


@pytest.mark.parametrize("name", sorted({**views(), **queries()}))
def test_no_statement_reads_the_events_without_the_revocations(name: str) -> None:
    sql = {**views(), **queries()}[name].sql
    if f"FROM {EVENTS_TABLE}\n" in sql:
        assert sql.count(f"FROM {EVENTS_TABLE}\n") == sql.count(f"LEFT JOIN {REVOCATIONS_TABLE}\n")
        assert "/daybook/ledger" in sql


def test_several_restores_of_an_account_count_each(tmp_path: Path) -> None:
    """The second one goes back less far: what the first one revoked stays revoked."""
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", [event("AccountCreated", A, 1, "2026-03-01 08:00:00", overdraft_limit=0, **EUR)])
    first = [event("BalanceCredited", A, version, "2026-03-01 09:00:00", amount=1, **EUR) for version in (2, 3, 4, 5)]
    second = [event("BalanceCredited", A, version, "2026-03-01 11:00:00", amount=10, **EUR) for version in (2, 3, 4)]
    third = [event("BalanceCredited", A, version, "2026-03-01 13:00:00", amount=100, **EUR) for version in (4, 5)]
    lake.arrive("2026-03-01", [*first, *second, *third])
    lake.revoke(revocation(A, 1, "2026-03-01 10:00:00", 2))
    lake.revoke(revocation(A, 3, "2026-03-01 12:00:00", 3))
    found = lake.sql("SELECT streamversion, amount FROM domain_events WHERE amount IS NOT NULL ORDER BY streamversion")
    assert [tuple(row.values()) for row in found] == [(2, 10), (3, 10), (4, 100), (5, 100)]
    assert lake.sql("SELECT count(*) AS n FROM delivered_events") == [{"n": 5}], "none counts twice"


def test_the_last_good_one_stands_and_what_was_recorded_at_the_announcement_too(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    moments = {1: "08:00:00", 2: "09:59:59.999", 3: "10:00:00"}
    lake.arrive("2026-03-01", [
        event("BalanceCredited", A, version, f"2026-03-01 {moment}", amount=1, **EUR)
        for version, moment in moments.items()
    ])  # fmt: skip
    lake.revoke(revocation(A, 1, "2026-03-01 10:00:00"))
    assert [row["streamversion"] for row in lake.sql("SELECT streamversion FROM domain_events ORDER BY 1")] == [1, 3]


def test_another_account_is_another(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", FIRST)
    lake.revoke(revocation(A, 0, "2026-03-05 00:00:00"))
    assert {row["subject"] for row in lake.sql("SELECT subject FROM domain_events")} == {B}


def test_a_row_that_hides_behind_the_ledgers_name_is_missed(tmp_path: Path) -> None:
    """Nobody can take an event out of the views in silence: `reconcile` finds it gone."""
    lake = Lake(tmp_path)
    lake.edit(lake.arrive("2026-03-01", FIRST[:2]), source="'/daybook/ledger'")
    lake.edit(lake.arrive("2026-03-02", FIRST[2:3]), source="NULL")
    assert [row["id"] for row in lake.sql("SELECT id FROM event_digests")] == [FIRST[2].id]
