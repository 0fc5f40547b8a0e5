"""A small history whose every figure can be added up by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.analytics.lake import Lake, event

A = "00000000-0000-4000-8000-00000000000a"
B = "00000000-0000-4000-8000-00000000000b"
C = "00000000-0000-4000-8000-00000000000c"
EUR: dict[str, Any] = {"currency": "EUR"}
CZK: dict[str, Any] = {"currency": "CZK"}
TRANSFER: dict[str, Any] = {"transfer_id": "00000000-0000-4000-8000-0000000000ff", "currency": "EUR", "amount": 300}

FIRST = [
    event("AccountCreated", A, 1, "2026-03-01 08:00:00", overdraft_limit=100, **EUR),
    event("BalanceCredited", A, 2, "2026-03-01 09:00:00", amount=1000, reference="it's pay", **EUR),
    event("AccountCreated", B, 1, "2026-03-01 10:00:00", overdraft_limit=0, **EUR),
    event("TransferSent", A, 3, "2026-03-01 11:00:00", to_account_id=B, **TRANSFER),
    event("TransferReceived", B, 2, "2026-03-01 11:00:00", from_account_id=A, **TRANSFER),
]
SECOND = [
    event("BalanceWithdrawn", A, 4, "2026-03-02 00:00:00", occurred="2026-02-27 12:00:00", amount=750, **EUR),
    event("AccountCreated", C, 1, "2026-03-02 10:00:00", overdraft_limit=0, **CZK),
    event("BalanceCredited", C, 2, "2026-03-02 10:00:01", amount=50, **CZK),
    event("BalanceWithdrawn", B, 3, "2026-03-02 23:59:59", amount=300, **EUR),
]
THIRD = [
    event("AccountClosed", B, 4, "2026-03-03 08:00:00", **EUR),
    event("BalanceCredited", A, 5, "2026-03-03 09:00:00", amount=50, **EUR),
]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three days. Some events came twice, on another day as well; a file of late ones lies three days on."""
    lake = Lake(tmp_path)
    lake.arrive("2026-03-01", [*FIRST, SECOND[0]])  # the file was begun on the first
    lake.arrive("2026-03-02", [*SECOND[1:], FIRST[1]])
    lake.arrive("2026-03-03", [THIRD[0], SECOND[2]])
    lake.arrive("2026-03-06", [THIRD[1], FIRST[4]])
    return lake
