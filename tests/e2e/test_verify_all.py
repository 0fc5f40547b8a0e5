"""`daybook verify --all` on the deployed system: clean after traffic and a seal, and one deed in each store is found.

Other files of tests leave behind what is a finding, so only what is said of the accounts of this one counts.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.dynamodb import table as read_model
from lambdas.projections.dynamodb.read_model import open_table
from lambdas.projections.registry import PROJECTIONS, projection
from local.emulator import aws
from local.example.client import Client
from local.example.history import session
from local.machine.environment import Environment
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone

Found = set[tuple[str, int]]
SUMMARIES = "account_summaries"


class Ledger:
    """The deployed system. `mine` are the accounts that were opened here."""

    def __init__(self, environment: Environment, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.environment = environment
        self.dynamodb, self.s3 = aws.client(environment, "dynamodb"), aws.client(environment, "s3")
        self.mine: set[str] = set()
        self._file = file
        self._capsys = capsys

    def daybook(self, *words: str) -> tuple[int, Any]:
        """The exit status and the document of a command."""
        self._capsys.readouterr()
        status = main([*words, "--environment-file", str(self._file), "--json"])
        return status, json.loads(self._capsys.readouterr().out)

    def verify(self) -> tuple[dict[str, Any], Found]:
        """The report, and what is said of the accounts of this file: kind and version."""
        status, document = self.daybook("verify", "--all", "--settle", "0")
        report = document["data"]["everything"]
        assert report["unchecked"] == {}, report
        assert status == (1 if report["findings"] else 0)
        assert len(report["findings"]) < 100, "the findings of this file's accounts may not be named"
        return report, {(each["kind"], each["version"]) for each in report["findings"] if each["subject"] in self.mine}

    def outputs(self, stack: str) -> dict[str, str]:
        """Of a deployed stack."""
        cloudformation = aws.client(self.environment, "cloudformation")
        (found,) = cloudformation.describe_stacks(StackName=f"Daybook-local-{stack}")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def open(self) -> str:
        """An account with four events: one under a key, one by a stored command."""
        client = Client(self.environment)
        try:
            account = str(client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"])
            client.post(f"/accounts/{account}/credit", {"amount": 100}, expected=200)
            client._headers = {**client._headers, "Idempotency-Key": "once"}
            client.post(f"/accounts/{account}/credit", {"amount": 7}, expected=200)
            client.post(f"/accounts/{account}/commands", {"type": "CreditAccount", "amount": 5}, expected=202)
        finally:
            client.close()
        self.mine.add(account)
        self.settle(account, 4)
        return account

    def settle(self, account: str, version: int) -> None:
        """Wait until lake and read models hold the account up to a version."""
        ask, statement = session(self.environment), "SELECT max(streamversion) FROM domain_events WHERE subject = '{}'"
        eventually(lambda: ask(statement.format(account)).rows == [(version,)], "the events to be in the lake")
        for each in PROJECTIONS:
            eventually(lambda name=each.name: self._folded(name, account) == version, f"{each.name} to be folded")  # type: ignore[misc]

    def read_model(self, name: str) -> str:
        """The table of a read model."""
        prefix = "".join(word.capitalize() for word in name.split("_"))
        return self.outputs("Projections")[f"{prefix}TableName"]

    def _folded(self, name: str, account: str) -> int:
        model = open_table(self.dynamodb, self.read_model(name), projection(name))
        return model.load(model.control.read().live, account, Deadline()).gate.version


@pytest.fixture
def ledger(environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ledger:
    file = tmp_path / "environment.json"
    environment.save(file)
    return Ledger(environment, file, capsys)


@pytest.fixture
def change(ledger: Ledger) -> Iterator[Callable[..., None]]:
    """Changes an item behind everybody's back; afterwards it is what it was."""
    before: list[tuple[str, dict[str, Any]]] = []

    def edit(table: str, item: dict[str, Any], **changed: Any) -> None:
        before.append((table, item))
        ledger.dynamodb.put_item(TableName=table, Item={**item, **changed})

    yield edit
    for table, item in reversed(before):
        ledger.dynamodb.put_item(TableName=table, Item=item)


def _item(ledger: Ledger, table: str, **key: Any) -> dict[str, Any]:
    """The one item with these attributes."""
    pages = ledger.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = (item for page in pages for item in page["Items"])
    (found,) = (item for item in items if key.items() <= item.items())
    return dict(found)


def test_clean_after_traffic_and_a_seal_and_while_both_go_on(ledger: Ledger) -> None:
    ledger.open()
    ledger.daybook("seal", "--through", "now")
    report, found = ledger.verify()
    assert found == set()
    assert report["log"]["size"] >= 4
    assert min(report["receipts"], report["commands"], report["lake_events"]) >= 1
    assert len(report["read_models"]) == len(PROJECTIONS)

    stop, client = threading.Event(), Client(ledger.environment)
    account = str(client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"])
    ledger.mine.add(account)
    failures: list[BaseException] = []

    def trade() -> None:
        try:
            while not stop.is_set():
                client.post(f"/accounts/{account}/credit", {"amount": 1}, expected=200)
        except BaseException as error:  # noqa: BLE001 - the test tells
            failures.append(error)

    thread = threading.Thread(target=trade)
    thread.start()
    try:
        status, document = ledger.daybook("verify", "--all")
    finally:
        stop.set()
        thread.join()
        client.close()
    report = document["data"]["everything"]
    assert (failures, report["unchecked"]) == ([], {})
    assert not [each for each in report["findings"] if each["subject"] in ledger.mine]
    assert status == (1 if report["findings"] else 0)


def test_one_deed_in_each_store_is_found(ledger: Ledger, change: Callable[..., None]) -> None:
    account = ledger.open()
    ledger.daybook("seal", "--through", "now")
    tables = ledger.outputs("Ledger")
    events, receipts, commands = (tables[f"{each}TableName"] for each in ("Event", "Receipts", "Commands"))

    row = _item(ledger, events, stream_id={"S": account}, version={"N": "2"})
    change(events, row, data={"S": row["data"]["S"].replace("100", "900")})
    assert {("history", 2), ("lake", 2)} <= ledger.verify()[1]
    ledger.dynamodb.put_item(TableName=events, Item=row)

    receipt = _item(ledger, receipts, scope={"S": account})
    change(receipts, receipt, version={"N": "2"})
    command = _item(ledger, commands, account_id={"S": account})
    change(commands, command, version={"N": "1"})
    summaries = ledger.read_model(SUMMARIES)
    summary = next(
        item
        for page in ledger.dynamodb.get_paginator("scan").paginate(TableName=summaries, ConsistentRead=True)
        for item in page["Items"]
        if item["pk"]["S"].endswith(account) and read_model.KEPT in item
    )
    change(summaries, summary, **{read_model.KEPT: {"S": summary[read_model.KEPT]["S"].replace("112", "912")}})
    _, found = ledger.verify()
    assert found == {("receipt", 2), ("receipt", 3), ("command", 1), ("command", 4), ("read-model", 0)}


def test_a_deleted_file_of_the_lake_is_found(ledger: Ledger) -> None:
    ledger.open()
    bucket = ledger.outputs("Lake")["LakeBucketName"]
    before = _newest_file(ledger, bucket)
    content = ledger.s3.get_object(Bucket=bucket, Key=before)["Body"].read()
    ledger.s3.delete_object(Bucket=bucket, Key=before)
    try:
        assert "lake" in {kind for kind, _ in ledger.verify()[1]}
    finally:
        ledger.s3.put_object(Bucket=bucket, Key=before, Body=content)


def _newest_file(ledger: Ledger, bucket: str) -> str:
    """The file that was written last: nobody else writes meanwhile."""
    pages = ledger.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="events/")
    newest = max((each for page in pages for each in page["Contents"]), key=lambda each: each["LastModified"])
    return str(newest["Key"])
