"""Every command in every outcome: what its row says at the end, and what the history holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from lambdas.contracts.domain_events import domain_event
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.service.derived_ids import effect_id
from tests.support.clocks import START
from tests.support.commands import CORRELATION, LATER, Desk
from tests.support.event_rows import account_id

A, B, CLOSED, FULL, DOLLARS, NOBODY = (account_id(number) for number in range(6))
OPEN = {"type": "OpenAccount", "currency": "EUR"}
MAX_BALANCE = 9 * 10**15
PREFIX = "urn:daybook:problem:"


@pytest.fixture
def desk() -> Desk:
    """Accounts: A has 100 and an overdraft limit of 50, B nothing, one is closed, one full, one in dollars."""
    desk = Desk()
    for account, fields in ((A, {"overdraft_limit": 50}), (B, {}), (CLOSED, {}), (FULL, {}), (DOLLARS, {})):
        currency = {"currency": "USD"} if account == DOLLARS else {}
        assert desk.run(account, OPEN | fields | currency).status == table.SUCCEEDED
    desk.run(A, {"type": "CreditAccount", "amount": 100})
    for _ in range(9):
        desk.run(FULL, {"type": "CreditAccount", "amount": 10**15 - 1})
    desk.run(FULL, {"type": "CreditAccount", "amount": 9})
    desk.run(CLOSED, {"type": "CloseAccount"})
    return desk


def transfer(sender: str, receiver: str, amount: int = 1) -> dict[str, Any]:
    return {"type": "Transfer", "from_account_id": sender, "to_account_id": receiver, "amount": amount}


SUCCESSES = [
    (NOBODY, OPEN, 1, 0, ["AccountCreated"]),
    (A, {"type": "CreditAccount", "amount": 7, "reference": "it's"}, 3, 107, ["BalanceCredited"]),
    (A, {"type": "WithdrawFromAccount", "amount": 150}, 3, -50, ["BalanceWithdrawn"]),
    (A, transfer(A, B, 30), 3, 70, ["TransferSent"]),
    (B, {"type": "CloseAccount"}, 2, 0, ["AccountClosed"]),
]
REJECTIONS = [
    (A, OPEN, "account-already-exists"),
    (CLOSED, OPEN, "account-already-exists"),
    (NOBODY, {"type": "CreditAccount", "amount": 1}, "account-not-found"),
    (CLOSED, {"type": "CreditAccount", "amount": 1}, "account-closed"),
    (FULL, {"type": "CreditAccount", "amount": 1}, "balance-limit-exceeded"),
    (NOBODY, {"type": "WithdrawFromAccount", "amount": 1}, "account-not-found"),
    (CLOSED, {"type": "WithdrawFromAccount", "amount": 1}, "account-closed"),
    (A, {"type": "WithdrawFromAccount", "amount": 151}, "insufficient-funds"),
    (NOBODY, {"type": "CloseAccount"}, "account-not-found"),
    (CLOSED, {"type": "CloseAccount"}, "account-closed"),
    (A, {"type": "CloseAccount"}, "balance-not-zero"),
    (NOBODY, transfer(NOBODY, A), "account-not-found"),
    (A, transfer(A, NOBODY), "account-not-found"),
    (CLOSED, transfer(CLOSED, A), "account-closed"),
    (A, transfer(A, CLOSED), "account-closed"),
    (A, transfer(A, A), "same-account"),
    (A, transfer(A, DOLLARS), "currency-mismatch"),
    (A, transfer(A, B, 151), "insufficient-funds"),
    (A, transfer(A, FULL), "balance-limit-exceeded"),
]


@pytest.mark.parametrize(("account", "body", "version", "balance", "events"), SUCCESSES)
def test_a_success(
    desk: Desk, account: str, body: dict[str, Any], version: int, balance: int, events: list[str]
) -> None:
    end = desk.run(account, body)
    assert (end.status, dict(end.attributes)) == (
        table.SUCCEEDED,
        {"completed_at": format_timestamp(START + LATER), "version": version, "balance": balance},
    )
    assert (desk.account(account).version, desk.balance(account)) == (version, balance)
    rows = desk.store.read(account, after=version - len(events), deadline=Deadline()).rows
    assert [row.type for row in rows] == events
    assert {row.commit_id for row in rows} == {end.commit_id}, "not one commit"


@pytest.mark.parametrize(("account", "body", "code"), REJECTIONS)
def test_a_rejection(desk: Desk, account: str, body: dict[str, Any], code: str) -> None:
    before = {each: desk.account(each) for each in (A, B, CLOSED, FULL, DOLLARS, NOBODY)}
    end = desk.run(account, body)
    assert end.status == table.REJECTED
    assert end.attributes.keys() == {"completed_at", "problem"}
    assert end.attributes["completed_at"] == format_timestamp(START + LATER)
    problem = json.loads(str(end.attributes["problem"]))
    assert problem["type"] == PREFIX + code
    assert problem["correlation_id"] == CORRELATION
    assert problem["detail"].casefold() != problem["title"].casefold()
    assert {each: desk.account(each) for each in before} == before


def test_a_rejection_counts_as_one(desk: Desk) -> None:
    processed = desk.process(
        desk.record(A, {"type": "CreditAccount", "amount": 1}),
        desk.record(A, {"type": "WithdrawFromAccount", "amount": 1000}),
        desk.record(B, b"nothing"),
    )
    assert (processed.succeeded, processed.rejected, processed.repeated, processed.left) == (1, 2, 0, 0)


def test_the_event_says_who_and_why(desk: Desk) -> None:
    desk.process(desk.record(B, {"type": "CreditAccount", "amount": 1}, "AROAONE/my.key"))
    (row,) = desk.store.read(B, after=1, deadline=Deadline()).rows
    effect = effect_id(B, "AROAONE/my.key")
    assert json.loads(row.metadata) == {"command_id": effect, "correlation_id": CORRELATION, "actor": "AROAONE"}


def test_what_is_published_of_an_event_does_not_tell_who_acted(desk: Desk) -> None:
    for body in ({"type": "CreditAccount", "amount": 1}, transfer(B, A)):
        desk.process(desk.record(B, body, f"AROAONE/{body['type']}"))
    for row in [*desk.store.read(A, deadline=Deadline()).rows, *desk.store.read(B, deadline=Deadline()).rows]:
        published = msgspec.json.encode(domain_event(row)).decode()
        assert "AROAONE" not in published
        assert "Transfer/" not in published


def test_two_callers_under_one_key_make_two_commands(desk: Desk) -> None:
    """Their events have causes of their own, and their transfers ids of their own."""
    records = [desk.record(A, transfer(A, B), f"{caller}/pay-1") for caller in ("AROAONE", "AROATWO")]
    assert desk.process(*records).succeeded == 2
    rows = desk.store.read(A, after=2, deadline=Deadline()).rows
    assert len({json.loads(row.data)["transfer_id"] for row in rows}) == 2
    assert len({json.loads(row.metadata)["command_id"] for row in rows}) == 2
    assert [json.loads(row.metadata)["actor"] for row in rows] == ["AROAONE", "AROATWO"]


def test_both_sides_of_a_transfer_are_one_commit_under_one_id_that_follows_from_the_command(desk: Desk) -> None:
    other = Desk()
    for each in (A, B):
        other.run(each, OPEN | {"overdraft_limit": 50})
    ids = []
    for place in (desk, other):
        version = place.account(A).version, place.account(B).version
        end = place.end_of(record) if place.process(record := place.record(A, transfer(A, B), "pay-1")) else None
        (sent,) = place.store.read(A, after=version[0], deadline=Deadline()).rows
        (received,) = place.store.read(B, after=version[1], deadline=Deadline()).rows
        assert end is not None
        assert sent.commit_id == received.commit_id == end.commit_id
        assert json.loads(sent.data)["transfer_id"] == json.loads(received.data)["transfer_id"]
        ids.append(json.loads(sent.data)["transfer_id"])
    assert ids[0] == ids[1]
    assert ids[0][14] == "8"


def test_two_accounts_under_one_key_make_two_transfers(desk: Desk) -> None:
    """A key belongs to its account."""
    ids = []
    for sender, receiver in ((A, B), (B, A)):
        version = desk.account(sender).version
        assert desk.process(desk.record(sender, transfer(sender, receiver), "pay-1")).succeeded == 1
        (sent,) = desk.store.read(sender, after=version, deadline=Deadline()).rows
        ids.append(json.loads(sent.data)["transfer_id"])
    assert ids[0] != ids[1]


def test_a_command_that_comes_again_changes_nothing(desk: Desk) -> None:
    record = desk.record(A, {"type": "WithdrawFromAccount", "amount": 100})
    desk.process(record)
    end, after = desk.end_of(record), desk.account(A)
    again = desk.process(record, record)
    assert (again.repeated, again.succeeded, again.rejected, again.left) == (2, 0, 0, 0)
    assert (desk.end_of(record), desk.account(A)) == (end, after)


def test_a_rejection_stays_one_though_the_command_would_succeed_now(desk: Desk) -> None:
    record = desk.record(B, {"type": "WithdrawFromAccount", "amount": 5})
    desk.process(record)
    desk.run(B, {"type": "CreditAccount", "amount": 5})
    assert desk.process(record).repeated == 1
    assert desk.end_of(record).status == table.REJECTED
    assert desk.balance(B) == 5
