"""A command the whole way: rendered submission, DynamoDB, its stream, the processor, DynamoDB, rendered status."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.service.derived_ids import effect_id
from tests.support.clocks import START
from tests.support.command_gateway import CommandGateway, Rows
from tests.support.command_world import TABLES, World, new_world
from tests.support.commands import Record, command_record
from tests.support.event_rows import account_id

A, B, EMPTY, NOBODY = (account_id(number) for number in range(4))
EUROS = {"type": "OpenAccount", "currency": "EUR"}
PROBLEM = "urn:daybook:problem:"
DAY = format_timestamp(START)[:10]


def transfer(amount: int, receiver: str = B) -> dict[str, Any]:
    return {"type": "Transfer", "from_account_id": A, "to_account_id": receiver, "amount": amount}


class Chain:
    """The gateway before the tables, and everything behind them. A has 100, B and EMPTY nothing."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gateway = CommandGateway(TABLES.commands)
        self._keys = itertools.count(1)
        for account in (A, B, EMPTY):
            self.carry_out(account, EUROS)
        self.carry_out(A, {"type": "CreditAccount", "amount": 100})

    def submit(self, account: str, body: dict[str, Any]) -> Record:
        """Send a command to the gateway; the stream's record of its row."""
        number = next(self._keys)
        stored = {"account_id": {"S": account}, "command_id": {"S": f"AIDAEXAMPLE/key:{number}"}}
        record = {"dynamodb": {"Keys": stored}}
        assert self.send(record, body) == (table.PENDING, "1")
        row = self.world.row(record)
        assert self.status(record) == {"status": "PENDING", "submitted_at": row[table.SUBMITTED_AT]["S"]}
        return command_record(row, number)

    def send(self, record: Record, body: dict[str, Any]) -> tuple[str, str | None]:
        """Send it, now or again: the status in the answer, and its Retry-After."""
        account, key = self._ids(record)
        headers = [("Idempotency-Key", key), ("X-Correlation-Id", f"trace-{key}")]
        now = self.world.time.wall()
        answer = self.gateway.post(
            json.dumps(body).encode(), headers, account_id=account, caller="AIDAEXAMPLE:me", now=now
        )
        assert answer.status == 202
        return json.loads(answer.body)["status"], answer.headers.get("Retry-After")

    def status(self, record: Record) -> dict[str, Any]:
        """What the gateway shows of it, besides its ids."""
        account, key = self._ids(record)
        answer = self.gateway.get(key.replace(":", "%3A"), account_id=account, caller="AIDAEXAMPLE:elsewhere")
        assert answer.status == 200
        document: dict[str, Any] = json.loads(answer.body)
        assert (document.pop("account_id"), document.pop("command_id")) == (account, key)
        assert ("Retry-After" in answer.headers) == (document["status"] == table.PENDING)
        return document

    def carry_out(self, account: str, body: dict[str, Any]) -> tuple[Record, dict[str, Any]]:
        """Submit it and deliver its record; its end as the gateway shows it, which sending it again does not change."""
        record = self.submit(account, body)
        self.world.time.sleep(2.0)
        self.world.mapping.deliver([record])
        shown = self.status(record)
        assert self.send(record, body) == (shown["status"], None)
        assert self.status(record) == shown
        return record, shown

    def give_up(self, account: str, body: dict[str, Any]) -> Record:
        """Submit it while it cannot be carried out for a technical reason: it is parked, and marked."""
        record = self.submit(account, body)
        self.world.poison.add(record["dynamodb"]["Keys"]["command_id"]["S"])
        self.world.mapping.deliver([record])
        self.world.poison.clear()
        return record

    def history(self, account: str) -> list[tuple[str, dict[str, Any]]]:
        """The types and metadata of an account's events."""
        rows = self.world.store.read(account, after=0, deadline=Deadline()).rows
        return [(row.type, json.loads(row.metadata)) for row in rows]

    def _ids(self, record: Record) -> tuple[str, str]:
        """Account and key, as the client knows them."""
        keys = record["dynamodb"]["Keys"]
        return keys["account_id"]["S"], keys["command_id"]["S"].removeprefix("AIDAEXAMPLE/")


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Chain]:
    with mock_aws():
        client = Rows().dynamodb
        client.create_table(
            TableName=TABLES.events,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": schema.EVENT_TABLE_HASH_KEY, "KeyType": "HASH"},
                {"AttributeName": schema.EVENT_TABLE_RANGE_KEY, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": schema.EVENT_TABLE_HASH_KEY, "AttributeType": "S"},
                {"AttributeName": schema.EVENT_TABLE_RANGE_KEY, "AttributeType": "N"},
            ],
        )
        yield Chain(new_world(monkeypatch, tmp_path, client))


Body = dict[str, Any]
SUCCESSES: list[tuple[str, Body, str, int, int]] = [
    (NOBODY, EUROS, "AccountCreated", 1, 0),
    (A, {"type": "CreditAccount", "amount": 7, "reference": "it's \\ #set"}, "BalanceCredited", 3, 107),
    (A, {"type": "WithdrawFromAccount", "amount": 30}, "BalanceWithdrawn", 3, 70),
    (A, transfer(100), "TransferSent", 3, 0),
    (EMPTY, {"type": "CloseAccount"}, "AccountClosed", 2, 0),
]
REFUSALS: list[tuple[str, Body, str, int]] = [
    (A, EUROS, "account-already-exists", 422),
    (NOBODY, {"type": "CreditAccount", "amount": 1}, "account-not-found", 404),
    (A, {"type": "WithdrawFromAccount", "amount": 101}, "insufficient-funds", 422),
    (A, transfer(1, NOBODY), "account-not-found", 404),
    (A, {"type": "CloseAccount"}, "balance-not-zero", 422),
]
of_every_type = pytest.mark.parametrize(
    ("account", "body", "event", "version", "balance"), SUCCESSES, ids=[each[1]["type"] for each in SUCCESSES]
)


def moments(shown: dict[str, Any]) -> tuple[str, str]:
    """When it was submitted and completed; the rest is left."""
    return shown.pop("submitted_at"), shown.pop("completed_at")


@of_every_type
def test_a_success(chain: Chain, account: str, body: dict[str, Any], event: str, version: int, balance: int) -> None:
    record, shown = chain.carry_out(account, body)

    submitted_at, completed_at = moments(shown)
    assert submitted_at < completed_at == format_timestamp(chain.world.time.wall())
    assert shown == {"status": "SUCCEEDED", "version": version, "balance": balance}
    stored = record["dynamodb"]["Keys"]["command_id"]["S"]
    key, effect = stored.removeprefix("AIDAEXAMPLE/"), effect_id(account, stored)
    history = chain.history(account)
    assert len(history) == version
    assert history[-1] == (event, {"command_id": effect, "correlation_id": f"trace-{key}", "actor": "AIDAEXAMPLE"})
    assert chain.world.account(account) == (version, balance)
    assert chain.world.account(B) == ((2, 100) if event == "TransferSent" else (1, 0))


@pytest.mark.parametrize(("account", "body", "code", "status"), REFUSALS, ids=[each[1]["type"] for each in REFUSALS])
def test_a_refusal_by_a_rule(chain: Chain, account: str, body: dict[str, Any], code: str, status: int) -> None:
    before = chain.history(account)

    record, shown = chain.carry_out(account, body)

    moments(shown)
    problem = shown["problem"]
    assert shown == {"status": "REJECTED", "problem": problem}
    assert (problem["type"], problem["status"]) == (PROBLEM + code, status)
    assert (
        problem["correlation_id"]
        == f"trace-{record['dynamodb']['Keys']['command_id']['S'].removeprefix('AIDAEXAMPLE/')}"
    )
    assert chain.history(account) == before


@of_every_type
def test_a_body_that_is_no_command(
    chain: Chain, account: str, body: dict[str, Any], event: str, version: int, balance: int
) -> None:
    before = chain.history(account)

    _, shown = chain.carry_out(account, body | {"occurred_at": "2026-02-30T00:00:00Z"})

    moments(shown)
    assert shown["status"] == "REJECTED", f"not the {event} of version {version} and balance {balance}"
    assert (shown["problem"]["type"], shown["problem"]["status"]) == (f"{PROBLEM}invalid-command", 400)
    assert chain.history(account) == before


def test_only_a_body_that_is_no_command_expires_and_a_repeat_before_that_is_answered_alike(chain: Chain) -> None:
    """Nobody checked what stands in it. A pending command and one that a rule refused are kept for good."""
    no_such_day = "2026-02-30T00:00:00Z"  # the templates know no calendar, so the gateway stores it
    invalid, refused = {"type": "CreditAccount", "amount": 1, "occurred_at": no_such_day}, {"type": "CloseAccount"}
    rows = []
    for body, days in ((invalid, 7), (refused, None)):
        record, _ = chain.carry_out(A, body)
        row = chain.world.row(record)
        assert row[table.STATUS]["S"] == table.REJECTED
        expected = None if days is None else {"N": str(int(chain.world.time.wall().timestamp()) + days * 24 * 3600)}
        assert row.get(table.TTL_ATTRIBUTE) == expected
        assert table.TTL_ATTRIBUTE not in record["dynamodb"]["NewImage"], "a PENDING row never expires"
        rows.append((record, body, row))
    chain.world.time.sleep(7 * 24 * 3600 - 10.0)
    for record, body, row in rows:
        assert chain.send(record, body) == (table.REJECTED, None)
        assert chain.world.row(record) == row


@of_every_type
def test_a_command_that_is_given_up_and_redriven(
    chain: Chain, account: str, body: dict[str, Any], event: str, version: int, balance: int
) -> None:
    before = chain.history(account)

    record = chain.give_up(account, body)

    failed = chain.status(record)
    submitted_at, failed_at = moments(failed)
    assert submitted_at < failed_at
    assert failed["status"] == "FAILED"
    assert (failed["problem"]["type"], failed["problem"]["status"]) == (f"{PROBLEM}processing-failed", 500)
    assert chain.send(record, body) == (table.FAILED, None)
    assert chain.history(account) == before

    assert chain.world.redrive("--failed-on", DAY) == 0

    shown = chain.status(record)
    assert moments(shown)[0] == submitted_at
    assert shown == {"status": "SUCCEEDED", "version": version, "balance": balance}
    assert [kind for kind, _ in chain.history(account)[len(before) :]] == [event]
    assert table.FAILED_ON not in chain.world.row(record)
    chain.world.mapping.deliver([record])
    assert chain.world.redrive("--failed-on", DAY) == 0
    assert len(chain.history(account)) == version


@pytest.mark.parametrize(("account", "body", "code", "status"), REFUSALS, ids=[each[1]["type"] for each in REFUSALS])
def test_a_redriven_command_may_still_be_refused(
    chain: Chain, account: str, body: dict[str, Any], code: str, status: int
) -> None:
    before = chain.history(account)
    record = chain.give_up(account, body)
    assert chain.status(record)["status"] == "FAILED"

    assert chain.world.redrive("--parked") == 0

    shown = chain.status(record)
    assert shown["status"] == "REJECTED"
    assert (shown["problem"]["type"], shown["problem"]["status"]) == (PROBLEM + code, status)
    assert chain.history(account) == before
