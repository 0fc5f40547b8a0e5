"""What is no command is rejected by the name of its first wrong field; nothing a client sends is a failure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.accounts.commands import OpenAccount
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.idempotency import derived_account_id
from lambdas.inbox import table
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.clocks import START
from tests.support.commands import Desk
from tests.support.event_rows import account_id

A, B = account_id(1), account_id(2)
OPEN = {"type": "OpenAccount", "currency": "EUR"}
CREDIT = {"type": "CreditAccount", "amount": 1}
TRANSFER = {"type": "Transfer", "from_account_id": A, "to_account_id": B, "amount": 1}
DEEP = b"[" * 100_000

INVALID: list[tuple[bytes | dict[str, Any], str]] = [
    (b"", "body"),
    (b"not JSON", "body"),
    (b"{", "body"),
    (b"[]", "body"),
    (b"null", "body"),
    (b'"CreditAccount"', "body"),
    (b"\xff\xfe{}", "body"),
    (b'{"type":"CreditAccount","amount":1,"reference":"\xff"}', "body"),
    (DEEP, "body"),
    (b'{"x":' + DEEP, "body"),
    (b'{"type":"CreditAccount","amount":1,"reference":' + DEEP, "reference"),
    ({}, "type"),
    ({"amount": 1}, "type"),
    ({"type": None}, "type"),
    ({"type": 1, "amount": 1}, "type"),
    ({"type": "Steal", "amount": 1}, "type"),
    ({"type": "creditaccount", "amount": 1}, "type"),
    ({"type": "CreditAccount"}, "amount"),
    (CREDIT | {"amount": "1"}, "amount"),
    (CREDIT | {"amount": 1.5}, "amount"),
    (CREDIT | {"amount": True}, "amount"),
    (CREDIT | {"amount": 0}, "amount"),
    (CREDIT | {"amount": 10**15}, "amount"),
    (CREDIT | {"amount": 10**400}, "amount"),
    (CREDIT | {"reference": ""}, "reference"),
    (CREDIT | {"reference": "é"}, "reference"),
    (CREDIT | {"reference": "x" * 65}, "reference"),
    (CREDIT | {"reference": ["x"]}, "reference"),
    (CREDIT | {"account_id": A}, "account_id"),
    (CREDIT | {"currency": "EUR"}, "currency"),
    (CREDIT | {"occurred_at": "yesterday"}, "occurred_at"),
    (CREDIT | {"occurred_at": "2026-03-01T12:00:00"}, "occurred_at"),
    (CREDIT | {"occurred_at": "0001-01-01T00:00:00Z"}, "occurred_at"),
    (CREDIT | {"occurred_at": "9999-12-31T23:59:59-23:59"}, "occurred_at"),
    (CREDIT | {"occurred_at": "2026-03-01T12:05:00.001Z"}, "occurred_at"),
    (OPEN | {"currency": "EURO"}, "currency"),
    (OPEN | {"overdraft_limit": -1}, "overdraft_limit"),
    ({"type": "CloseAccount", "amount": 1}, "amount"),
    (TRANSFER | {"from_account_id": B, "to_account_id": A}, "from_account_id"),
    (TRANSFER | {"from_account_id": B, "to_account_id": B}, "from_account_id"),
    (TRANSFER | {"to_account_id": "nobody"}, "to_account_id"),
    (TRANSFER | {"to_account_id": B.upper().replace("0", "A")}, "to_account_id"),
]


@pytest.fixture
def desk() -> Desk:
    """Two open accounts; the first has 1000."""
    desk = Desk()
    desk.run(A, OPEN)
    desk.run(B, OPEN)
    desk.run(A, CREDIT | {"amount": 1000})
    return desk


@pytest.mark.parametrize(("body", "field"), INVALID, ids=[f"{n}-{field}" for n, (_, field) in enumerate(INVALID)])
def test_an_invalid_command_is_rejected_and_changes_nothing(desk: Desk, body: Any, field: str) -> None:
    before = desk.account(A)
    end = desk.run(A, body)
    assert end.status == table.REJECTED
    problem = json.loads(str(end.attributes["problem"]))
    assert (problem["type"], problem["status"]) == ("urn:daybook:problem:invalid-command", 400)
    assert problem["field"] == field
    assert problem["detail"].startswith(f"{field}: ")
    assert desk.account(A) == before


def test_an_account_whose_id_is_derived_is_opened_by_post_accounts_only(desk: Desk) -> None:
    """Else somebody could take the id before its owner, who is found out by it."""
    derived = derived_account_id("AROAONE", "order-1")
    end = desk.run(derived, OPEN)
    problem = json.loads(str(end.attributes["problem"]))
    assert (end.status, problem["type"]) == (table.REJECTED, "urn:daybook:problem:invalid-command")
    assert (problem["status"], problem["field"]) == (400, "account_id")
    assert desk.account(derived).version == 0


def test_an_account_whose_id_is_derived_is_used_like_any_other(desk: Desk) -> None:
    derived = derived_account_id("AROAONE", "order-1")
    service = AccountService(Repository(desk.store, ACCOUNT_DECIDER), clock=lambda: START)
    service.execute(OpenAccount(currency="EUR"), derived, CommandContext("c", "o", "AROAONE"))
    assert desk.run(derived, CREDIT).status == table.SUCCEEDED
    assert desk.run(derived, {"type": "CloseAccount"}).status == table.REJECTED


def test_an_invalid_command_does_not_stop_its_account(desk: Desk) -> None:
    records = [desk.record(A, b"{"), desk.record(A, CREDIT)]
    assert desk.process(*records).left == 0
    assert desk.balance(A) == 1001


def test_an_invalid_command_that_comes_again(desk: Desk) -> None:
    record = desk.record(A, b"{")
    desk.process(record)
    end = desk.end_of(record)
    assert desk.process(record).repeated == 1
    assert desk.end_of(record) == end


@pytest.mark.parametrize(
    ("given_at", "expected"),
    [
        (None, START),
        ("2026-03-01T11:30:00.001+00:00", START - timedelta(minutes=30) + timedelta(milliseconds=1)),
        ("2026-03-01T11:30:00.0019999+00:00", START - timedelta(minutes=30) + timedelta(milliseconds=1)),
        ("2026-03-01T13:00:00+01:00", START),
        ("2026-03-01T12:05:00Z", START + timedelta(minutes=5)),
    ],
)
def test_business_time_is_given_or_that_of_submission(desk: Desk, given_at: str | None, expected: Any) -> None:
    """The processor's own clock, which is later, has no say in it."""
    desk.run(A, CREDIT if given_at is None else CREDIT | {"occurred_at": given_at})
    (row,) = desk.store.read(A, after=2, deadline=Deadline()).rows
    assert row.occurred_at == format_timestamp(expected)
    assert row.recorded_at > row.occurred_at or given_at == "2026-03-01T12:05:00Z"


def test_of_a_key_that_stands_twice_the_last_value_counts(desk: Desk) -> None:
    desk.run(A, b'{"type":"CreditAccount","amount":1,"amount":2}')
    assert desk.balance(A) == 1002


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "amount", "reference", "occurred_at", "currency", "to_account_id", "x` - at `$.y`"])
VALUES = JSON | st.sampled_from([A, B, "EUR", "CreditAccount", "Transfer", "CloseAccount", "2026-03-01T12:00:00Z", 1])
OBJECTS = st.dictionaries(NAMES, VALUES).map(lambda fields: json.dumps(fields).encode())
TEXTS = st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))


@given(bodies=st.lists(OBJECTS | TEXTS, min_size=1, max_size=5))
def test_whatever_is_sent_ends(bodies: list[bytes]) -> None:
    desk = Desk()
    desk.run(A, OPEN)
    records = [desk.record(A, body) for body in bodies]
    processed = desk.process(*records)
    assert (processed.left, processed.failures) == (0, [])
    assert processed.succeeded + processed.rejected == len(bodies)
    for record in records:
        assert desk.end_of(record).status in {table.SUCCEEDED, table.REJECTED}
