"""A command that always fails: parked within the bounds, its row says so, the others go on, and it heals."""

from __future__ import annotations

import base64
import json
import random
from math import ceil, log2
from pathlib import Path
from typing import Any

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.inbox import table
from tests.support.command_world import World, new_world
from tests.support.commands import Record
from tests.support.event_rows import account_id
from tests.support.event_source_mapping import EXHAUSTED, TOO_OLD

A, B, C = (account_id(number) for number in range(1, 4))
OPEN = {"type": "OpenAccount", "currency": "EUR"}
TODAY = "2026-03-01"
COMMANDS = 40


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return new_world(monkeypatch, tmp_path)


def credit(amount: int) -> dict[str, Any]:
    return {"type": "CreditAccount", "amount": amount}


def submit_mixed(bank: World) -> list[Record]:
    """Three accounts open; then credits of 1, 2, 3 … to any of them."""
    rng = random.Random(4)
    opened = [bank.submit(account, OPEN) for account in (A, B, C)]
    return opened + [bank.submit(rng.choice((A, B, C)), credit(number)) for number in range(1, COMMANDS + 1)]


def id_of(record: Record) -> str:
    return str(record["dynamodb"]["Keys"][table.RANGE_KEY]["S"])


def account_of(record: Record) -> str:
    return str(record["dynamodb"]["Keys"][table.HASH_KEY]["S"])


def amount_of(record: Record) -> int:
    body = json.loads(base64.b64decode(record["dynamodb"]["NewImage"][table.BODY]["B"]))
    return int(body.get("amount", 0))


def credited(bank: World, account: str) -> list[int]:
    """The amounts in an account's history, in order."""
    rows = bank.store.read(account, after=1, deadline=Deadline()).rows
    return [int(json.loads(row.data)["amount"]) for row in rows]


def submitted(records: list[Record], account: str, *without: Record) -> list[int]:
    """The amounts submitted to an account, in order, but those of some commands."""
    return [amount_of(each) for each in records if account_of(each) == account and each not in without][1:]


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_it_is_parked_within_the_bounds_and_nobody_else_is(bank: World, batch_size: int) -> None:
    bank.mapping.batch_size = batch_size
    records = submit_mixed(bank)
    poisonous = records[17]
    bank.poison.add(id_of(poisonous))
    tries = 0

    def watched(batch: list[Record]) -> None:
        nonlocal tries
        tries += poisonous in batch
        bank.invoke(batch)

    bank.mapping.invoke = watched
    bank.mapping.deliver(records)
    assert bank.parked_records() == [[poisonous]]
    halvings = ceil(log2(batch_size))
    assert bank.mapping.retries + 1 <= tries <= bank.mapping.retries + 1 + halvings
    document = bank.parked_document(bank.parked[0])
    assert document["requestContext"]["condition"] == EXHAUSTED
    assert [bank.status(each) for each in records if each is not poisonous] == [table.SUCCEEDED] * (len(records) - 1)
    row = bank.row(poisonous)
    assert (row[table.STATUS]["S"], row[table.FAILED_ON]["S"]) == (table.FAILED, TODAY)
    assert json.loads(row[table.PROBLEM]["S"])["type"] == "urn:daybook:problem:processing-failed"
    for account in (A, B, C):
        assert credited(bank, account) == submitted(records, account, poisonous)


def test_the_others_go_on_while_it_is_retried(bank: World) -> None:
    """Before anything is given up, all commands of the batch but those behind it in its account have ended."""
    records = submit_mixed(bank)
    poisonous = records[17]
    bank.poison.add(id_of(poisonous))
    with pytest.raises(Exception, match="commands have not ended"):
        bank.invoke(records)
    behind = [each for each in records[17:] if account_of(each) == account_of(poisonous)]
    assert len(behind) > 1
    for record in records:
        assert bank.status(record) == (table.PENDING if record in behind else table.SUCCEEDED)


def test_a_record_that_is_too_old_is_parked_too(bank: World) -> None:
    """Those before it in its batch have ended, and those behind it come when it is out of the way."""
    records = submit_mixed(bank)
    poisonous = records[-1]
    bank.poison.add(id_of(poisonous))
    bank.mapping.retries, bank.mapping.max_age_seconds = 10_000, 120.0
    bank.mapping.deliver(records)
    assert bank.parked_records() == [[poisonous]]
    assert bank.parked_document(bank.parked[0])["requestContext"]["condition"] == TOO_OLD
    assert 120.0 < bank.time.monotonic() - COMMANDS < 120.0 + 35.0
    assert bank.status(poisonous) == table.FAILED
    assert {bank.status(each) for each in records[:-1]} == {table.SUCCEEDED}


def test_of_a_batch_that_was_parked_whole_only_pending_commands_fail(bank: World) -> None:
    """Several accounts, of which some commands had ended before the batch grew too old."""
    records = submit_mixed(bank)
    poisonous = records[17]
    bank.poison.add(id_of(poisonous))
    bank.mapping.max_age_seconds = 100.0

    def slow(batch: list[Record]) -> None:
        bank.time.sleep(100.0)
        bank.invoke(batch)

    bank.mapping.invoke = slow
    bank.mapping.deliver(records)
    assert [len(batch) for batch in bank.parked_records()] == [21, 22], "it grew old after its first try"
    behind = [each for each in records[17:] if account_of(each) == account_of(poisonous)]
    for record in records:
        assert bank.status(record) == (table.FAILED if record in behind else table.SUCCEEDED)
    bank.poison.clear()
    assert bank.redrive("--parked") == 0
    for account in (A, B, C):
        assert credited(bank, account) == submitted(records, account)


@pytest.mark.parametrize("way", ["--command", "--failed-on", "--parked"])
def test_a_redrive_heals_it_once_the_cause_is_gone(bank: World, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    records = submit_mixed(bank)
    poisonous = records[17]
    bank.poison.add(id_of(poisonous))
    bank.mapping.deliver(records)
    which = {
        "--command": ["--command", account_of(poisonous), id_of(poisonous)],
        "--failed-on": ["--failed-on", TODAY],
        "--parked": ["--parked"],
    }[way]
    capsys.readouterr()
    assert bank.redrive(*which) == 1, "the cause is still there"
    assert "FAILED  the processor failed: 1 commands have not ended: CommitInvalidE" in capsys.readouterr().out
    assert bank.status(poisonous) == table.FAILED
    assert bank.row(poisonous)[table.FAILED_ON]["S"] == TODAY
    bank.poison.clear()
    assert bank.redrive(*which) == 0
    row = bank.row(poisonous)
    assert row[table.STATUS]["S"] == table.SUCCEEDED
    assert table.PROBLEM not in row
    assert table.FAILED_ON not in row
    account = account_of(poisonous)
    expected = [*submitted(records, account, poisonous), amount_of(poisonous)]
    assert credited(bank, account) == expected, "it takes effect after those that went on"
    assert bank.account(account)[1] == sum(expected)
    before = {id_of(each): bank.row(each) for each in records}
    assert bank.redrive(*which) == 0
    assert {id_of(each): bank.row(each) for each in records} == before
    assert credited(bank, account) == expected


def test_an_account_that_fails_as_a_whole_is_healed_in_the_order_submitted(bank: World) -> None:
    records = submit_mixed(bank)
    sick = [each for each in records if account_of(each) == B]
    bank.poison |= {id_of(each) for each in sick}
    bank.mapping.deliver(records)
    assert sorted(id_of(each) for batch in bank.parked_records() for each in batch) == [id_of(each) for each in sick]
    assert {bank.status(each) for each in sick} == {table.FAILED}
    assert {bank.status(each) for each in records if each not in sick} == {table.SUCCEEDED}
    bank.poison.clear()
    assert bank.redrive("--failed-on", TODAY) == 0
    assert credited(bank, B) == submitted(records, B)


@pytest.mark.parametrize(("failing_seconds", "most_seconds"), [(0.0, 5 * 60.0), (60.0, 7 * 3600.0)])
def test_an_account_that_is_sick_as_a_whole_holds_others_up_within_bounds_and_none_of_them_fails(
    bank: World, failing_seconds: float, most_seconds: float
) -> None:
    """However long a try takes before it fails: at most a minute, for then Lambda ends the function."""
    bank.mapping.deliver([bank.submit(B, OPEN)])
    sick = [bank.submit(A, credit(1)) for _ in range(100)]
    behind = [bank.submit(B, credit(number)) for number in range(1, 151)]
    bank.poison |= {id_of(each) for each in sick}
    bank.mapping.invocations.clear()
    began = bank.time.monotonic()

    def slow(batch: list[Record]) -> None:
        try:
            bank.invoke(batch)
        except Exception:
            bank.time.sleep(failing_seconds)
            raise

    bank.mapping.invoke = slow
    bank.mapping.deliver(sick + behind)
    assert len(bank.mapping.invocations) - 2 <= 4 * len(sick), "the last two brought the others"
    assert bank.time.monotonic() - began <= most_seconds
    assert {bank.status(each) for each in sick} == {table.FAILED}
    assert {bank.status(each) for each in behind} == {table.SUCCEEDED}
    assert {bank.parked_document(key)["requestContext"]["condition"] for key in bank.parked} == {EXHAUSTED}
    assert credited(bank, B) == [amount_of(each) for each in behind]


def test_an_outage_gives_up_what_it_has_time_to_try_and_no_more(bank: World) -> None:
    """A minute in which every try fails at once, with three seconds of pauses for each command."""
    bank.mapping.deliver([bank.submit(account, OPEN) for account in (A, B, C)])
    records = [bank.submit((A, B, C)[number % 3], credit(1)) for number in range(300)]
    over = bank.time.monotonic() + 60.0

    def out(batch: list[Record]) -> None:
        bank.poison.clear()
        if bank.time.monotonic() < over:
            bank.poison.update(id_of(each) for each in records)
        bank.invoke(batch)

    bank.mapping.invoke = out
    bank.mapping.deliver(records)
    failed = [each for each in records if bank.status(each) == table.FAILED]
    assert failed == records[: len(failed)], "the first of the shard"
    assert 0 < len(failed) <= 60 / 3
    assert {bank.status(each) for each in records[len(failed) :]} == {table.SUCCEEDED}
    assert bank.redrive("--failed-on", TODAY) == 0
    assert {bank.status(each) for each in records} == {table.SUCCEEDED}
    assert [bank.account(account) for account in (A, B, C)] == [(101, 100)] * 3


def test_a_sick_command_alone_in_its_batch_costs_the_shard_seventeen_invocations(bank: World) -> None:
    """Its batch of a hundred, two halves seven times at most, and two more tries."""
    bank.mapping.deliver([bank.submit(B, OPEN)])
    records = [bank.submit(A if number % 100 == 57 else B, credit(1)) for number in range(400)]
    sick = [each for each in records if account_of(each) == A]
    bank.poison |= {id_of(each) for each in sick}
    bank.mapping.invocations.clear()
    bank.mapping.deliver(records)
    assert 3 * len(sick) < len(bank.mapping.invocations) <= 17 * len(sick)
    assert {bank.status(each) for each in records if each not in sick} == {table.SUCCEEDED}


def test_an_event_about_a_parked_object_that_comes_late_does_not_undo_a_redrive(bank: World) -> None:
    records = submit_mixed(bank)
    poisonous = records[17]
    bank.poison.add(id_of(poisonous))
    bank.mapping.deliver(records)
    bank.poison.clear()
    assert bank.redrive("--failed-on", TODAY) == 0
    before = bank.row(poisonous)
    bank.tell(bank.parked[0])
    assert bank.row(poisonous) == before


@pytest.mark.parametrize(
    ("account", "body", "balances"),
    [
        (C, OPEN, (10, 0, 0)),
        (A, credit(5), (15, 0, 0)),
        (A, {"type": "WithdrawFromAccount", "amount": 4}, (6, 0, 0)),
        (A, {"type": "Transfer", "from_account_id": A, "to_account_id": B, "amount": 3}, (7, 3, 0)),
        (B, {"type": "CloseAccount"}, (10, 0, 0)),
        (A, {"type": "WithdrawFromAccount", "amount": 11}, (10, 0, 0)),
        (A, {"type": "Steal"}, (10, 0, 0)),
    ],
    ids=["open", "credit", "withdraw", "transfer", "close", "rejected", "invalid"],
)
def test_every_command_can_fail_and_heal(
    bank: World, account: str, body: dict[str, Any], balances: tuple[int, ...]
) -> None:
    bank.mapping.deliver([bank.submit(A, OPEN), bank.submit(B, OPEN), bank.submit(A, credit(10))])
    before = [bank.account(each) for each in (A, B, C)]
    record = bank.submit(account, body)
    bank.poison.add(id_of(record))
    bank.mapping.deliver([record])
    assert bank.status(record) == table.FAILED
    assert [bank.account(each) for each in (A, B, C)] == before, "a command that failed changed something"
    bank.poison.clear()
    assert bank.redrive("--command", account, id_of(record)) == 0
    expected = table.SUCCEEDED if body.get("amount") != 11 and body["type"] != "Steal" else table.REJECTED
    assert bank.status(record) == expected
    assert tuple(bank.account(each)[1] for each in (A, B, C)) == balances
