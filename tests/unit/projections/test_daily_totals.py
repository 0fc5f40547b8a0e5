"""The totals of each day are those of the daily report, which SQL makes of the lake."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lambdas.accounts.events import AccountCreated, BalanceCredited, BalanceWithdrawn, TransferReceived, TransferSent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.daily_totals import DAILY_TOTALS, MEASURES, LastDay, fold, row_key
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.memory import MemoryReadModel, MemoryTable
from tests.support.event_rows import account_id
from tests.support.projections.ledger import OTHER, Ledger, event_at
from tests.support.runs import seeds
from tests.unit.analytics.lake import Lake

ACCOUNT = account_id(1)
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EUR = "EUR#2026-03-01"


@pytest.mark.generated
@pytest.mark.parametrize("seed", seeds(check=1, test=3, soak=100))
def test_a_history_of_many_accounts(seed: int, tmp_path: Path) -> None:
    rng, lake, table = random.Random(seed), Lake(tmp_path), MemoryTable()
    ledger = Ledger(rng)
    accounts = [account_id(number) for number in range(8)]
    for _ in range(120):
        ledger.append(rng.choice(accounts))
    folder: AccountFolder[Any] = AccountFolder(DAILY_TOTALS, MemoryReadModel(table), ledger)
    for account in accounts:
        folder.catch_up(1, account, Deadline())
    events = [event for account in accounts for event in ledger.table.get(account, [])]
    days = sorted({event.recordedtime[:10] for event in events})
    for day in days:
        lake.arrive(day, [event for event in events if event.recordedtime.startswith(day)])
    reported = {
        row_key(row["currency"], day): {name: int(row[name]) for name in MEASURES}
        for day in days
        for row in lake.query("daily_report", day=day)
    }
    nothing = dict.fromkeys(MEASURES, 0)
    assert {key: nothing | row for (_, key), row in table.shared.items()} == reported
    assert any("JPY" in key for key in reported)


@pytest.mark.parametrize(
    ("data", "share"),
    [
        (AccountCreated(currency="EUR", overdraft_limit=7), {"opened": 1}),
        (BalanceCredited(currency="EUR", amount=7), {"credits": 1, "credited": 7, "net": 7}),
        (BalanceWithdrawn(currency="EUR", amount=7), {"withdrawals": 1, "withdrawn": 7, "net": -7}),
        (
            TransferSent(currency="EUR", amount=7, transfer_id=OTHER, to_account_id=OTHER),
            {"transfers": 1, "transferred": 7, "net": -7},
        ),
        (TransferReceived(currency="EUR", amount=7, transfer_id=OTHER, from_account_id=OTHER), {"net": 7}),
    ],
)
def test_an_event_of_each_kind(data: Any, share: dict[str, int]) -> None:
    found = fold(LastDay("2026-03-01"), event_at(ACCOUNT, 2, data, at=NOON))
    assert found.additions == {EUR: {"events": 1, **share}}


def test_an_account_is_active_once_a_day() -> None:
    data = BalanceCredited(currency="EUR", amount=7)
    first = fold(None, event_at(ACCOUNT, 1, data, at=NOON))
    again = fold(first.kept, event_at(ACCOUNT, 2, data, at=NOON.replace(hour=23)))
    next_day = fold(again.kept, event_at(ACCOUNT, 3, data, at=NOON.replace(day=2)))
    assert [each.additions[key].get("active_accounts") for each, key in ((first, EUR), (again, EUR))] == [1, None]
    assert next_day.additions["EUR#2026-03-02"]["active_accounts"] == 1


def test_a_test_account_counts_nowhere() -> None:
    found = fold(None, event_at(ACCOUNT, 1, BalanceCredited(currency="XTS", amount=7), at=NOON))
    assert (found.kept, found.additions) == (LastDay("2026-03-01"), {})
