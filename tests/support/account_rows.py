"""Rows of the projection `account_summaries` as a projector would save them, without events."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from lambdas.projections.account_summaries import AccountSummary
from lambdas.projections.read_model import AccountRow, Gate

Row = AccountRow[AccountSummary]
BOOKED = "2026-03-01T12:00:00.000Z"


def gate(version: int, *, stopped: str = "", account_id: str = "") -> Gate:
    """The gate at a version, with a hash of its own."""
    rowhash = b64encode(hashlib.sha256(f"{account_id}/{version}".encode()).digest()).decode()
    return Gate(version, rowhash, BOOKED, stopped)


def row(account_id: str, version: int, *, status: str = "open", currency: str = "EUR", stopped: str = "") -> Row:
    """An account's row at a version."""
    kept = AccountSummary(
        status=status,  # type: ignore[arg-type]
        currency=currency,
        balance=100 * version,
        overdraft_limit=0,
        opened_at=BOOKED,
        last_activity_at=BOOKED,
        events=version,
    )
    return AccountRow(account_id, gate(version, stopped=stopped, account_id=account_id), kept)
