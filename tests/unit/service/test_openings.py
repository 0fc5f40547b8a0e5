"""What an account's first event tells of the request that opened it, also after releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambdas.accounts.commands import OpenAccount
from lambdas.accounts.events import AccountCreated, AccountEvent
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Loaded, Origin
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.service.derived_ids import derived_uuid, is_derived
from lambdas.service.openings import is_opening

SAMPLES = Path(__file__).parents[1] / "accounts" / "samples" / "events"
OPENED_BY: dict[str, OpenAccount] = {
    "AccountCreated.v1": OpenAccount(currency="EUR", overdraft_limit=5000),
}
"""The request behind each stored sample of an opening. A release that changes the event keeps these and adds more."""
AT = "2026-03-01T09:30:00.123Z"


def origin(event: AccountEvent, actor: str = "AROAONE") -> Origin[Account, AccountEvent]:
    return Origin("commit", actor, AT, event, Loaded("a"))


def test_every_stored_opening_is_recognised_as_its_request() -> None:
    samples = {path.stem: path for path in SAMPLES.glob("AccountCreated.*.json")}
    assert samples.keys() == OPENED_BY.keys()
    for name, path in samples.items():
        schema = int(name.split(".")[1].removeprefix("v"))
        event = ACCOUNT_DECIDER.codec.decode("AccountCreated", schema, path.read_text("utf-8"))
        assert is_opening(origin(event), OPENED_BY[name], "AROAONE")


@pytest.mark.parametrize(
    ("command", "actor", "same"),
    [
        ({}, "AROAONE", True),
        ({"occurred_at": AT}, "AROAONE", True),
        ({"occurred_at": "2026-03-01T10:30:00.1239+01:00"}, "AROAONE", True),
        ({"occurred_at": "2026-03-01T09:30:00.124Z"}, "AROAONE", False),
        ({"overdraft_limit": 1}, "AROAONE", False),
        ({"currency": "JPY"}, "AROAONE", False),
        ({}, "AROATWO", False),
    ],
)
def test_actor_and_content_count(command: dict[str, Any], actor: str, *, same: bool) -> None:
    asked = OpenAccount(**{"currency": "EUR", **command})
    assert is_opening(origin(AccountCreated(currency="EUR", overdraft_limit=0)), asked, actor) is same


@pytest.mark.parametrize(
    ("account_id", "derived"),
    [
        (derived_uuid("caller", "key"), True),
        ("00000000-0000-8000-8000-000000000000", True),
        ("ffffffff-ffff-8fff-bfff-ffffffffffff", True),
        ("00000000-0000-4000-8000-000000000000", False),
        ("00000000-0000-7000-8000-000000000000", False),
        ("88888888-8888-4888-8888-888888888888", False),
        ("00000000-0000-8000-0000-000000000000", False),
        ("", False),
    ],
)
def test_derived_ids_are_uuids_of_version_8(account_id: str, *, derived: bool) -> None:
    assert is_derived(account_id) is derived
