"""From a command to a proof that a stranger checks: the deployed log, `daybook`, and the checker that knows neither.

The checker is run as an auditor runs it: one file, in a process of its own, on files that were copied from the bucket.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from local.emulator import aws
from local.example.client import Client
from local.example.history import session
from local.machine.environment import Environment
from local.machine.layout import REPOSITORY
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone

CHECKER = REPOSITORY / "tools" / "verify_proof.py"


@dataclass
class Auditor:
    """The deployed system, and somebody with a folder who is handed files."""

    environment: Environment
    file: Path
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def daybook(self, *words: object) -> tuple[int, Any]:
        """Run `daybook … --json`: the exit status and the document."""
        self.capsys.readouterr()
        status = main([*map(str, words), "--environment-file", str(self.file), "--json"])
        return status, json.loads(self.capsys.readouterr().out)

    def seal(self) -> dict[str, Any]:
        """Seal what is in the lake. Others may have left something behind that is a finding."""
        _, document = self.daybook("seal", "--through", "now")
        assert document["data"] is not None, document
        (self.folder / "key").write_text(document["data"]["vkey"])
        return dict(document["data"])

    def prove(self, *words: object) -> Path:
        """Write a proof."""
        status, document = self.daybook("prove", *words)
        assert status == 0, document
        return self.folder / str(document["data"]["file"])

    def check(self, *words: object) -> tuple[int, str]:
        """Run the checker on its own: its exit status, and what it said."""
        command = [sys.executable, "-I", str(CHECKER), *map(str, words), "--key", str(self.folder / "key")]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def copy_of_the_log(self) -> Path:
        """A plain copy of the bucket, as `aws s3 sync` makes it."""
        bucket = self.outputs("Transparency")["LogBucketName"]
        s3, folder = aws.client(self.environment, "s3"), self.folder / "log"
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page["Contents"]:
                path = folder / each["Key"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
        return folder

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a deployed stack."""
        cloudformation = aws.client(self.environment, "cloudformation")
        (found,) = cloudformation.describe_stacks(StackName=f"Daybook-local-{stack}")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def fill(self, events: int, account: str = "") -> str:
        """Book events, of a new account if none is given, and wait until the lake has them. Gives the account's id."""
        client = Client(self.environment)
        try:
            if not account:
                account = str(client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"])
                events -= 1
            for _ in range(events):
                answer = client.post(f"/accounts/{account}/credit", {"amount": 100}, expected=200)
        finally:
            client.close()
        reached = int(answer.body["version"])
        ask, statement = session(self.environment), "SELECT max(streamversion) FROM domain_events WHERE subject = '{}'"
        eventually(lambda: ask(statement.format(account)).rows == [(reached,)], "the events to be in the lake")
        return account


@pytest.fixture
def auditor(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Auditor:
    file = tmp_path / "environment.json"
    environment.save(file)
    monkeypatch.chdir(tmp_path)
    return Auditor(environment, file, tmp_path, capsys)


def edited(path: Path, old: bytes, new: bytes) -> Path:
    """A copy in which one part is another."""
    content = path.read_bytes()
    assert content.count(old) == 1
    copy = path.with_name(f"edited{path.suffix}")
    copy.write_bytes(content.replace(old, new))
    return copy


def test_what_is_sealed_is_proved_to_whoever_asks(auditor: Auditor) -> None:
    account = auditor.fill(3)
    status, document = auditor.daybook("prove", account, 3)
    assert status == 1
    assert (
        "is not in the log yet" in document["problem"]["detail"]
        or "Nothing is sealed yet" in document["problem"]["detail"]
    )
    sealed = auditor.seal()
    assert sealed["leaves"] >= 3

    proof = auditor.prove(account, 3)
    assert proof.name == f"{account}-3.tlog-proof"
    status, said = auditor.check("proof", proof)
    assert (status, said.split(":")[0]) == (0, "yes")
    assert f"{account}/3 " in said
    status, said = auditor.check("proof", edited(proof, b"\nindex ", b"\nindex 1"))
    assert (status, said.split(":")[0]) == (1, "no")

    bundle = auditor.prove(account, 2, "--bundle")
    assert auditor.check("rows", bundle)[0] == 0
    row = json.loads(bundle.read_bytes().splitlines()[1])
    assert (row["version"], json.loads(row["data"])["amount"]) == (2, 100)
    status, said = auditor.check("rows", edited(bundle, b'amount\\":100', b'amount\\":900'))
    assert (status, said.split(":")[0]) == (1, "no")


def test_a_whole_history_and_a_copy_of_the_log(auditor: Auditor) -> None:
    account = auditor.fill(4)
    auditor.seal()
    history = auditor.prove(account, "--history")
    assert history.name == f"{account}-4.daybook-rows"
    log = auditor.copy_of_the_log()
    assert auditor.check("log", log)[0] == 0
    assert auditor.check("rows", history, "--log", log)[0] == 0
    shorter = auditor.folder / "shorter.daybook-rows"
    auditor.prove(account, 3, "--bundle", "--out", shorter)
    status, said = auditor.check("rows", shorter, "--log", log)
    assert status == 1, "what is cut off its end shows in the log"
    assert "version 4" in said


def test_the_log_goes_on_from_a_checkpoint_that_was_kept(auditor: Auditor) -> None:
    account = auditor.fill(2)
    first = auditor.seal()
    kept = auditor.folder / "kept.checkpoint"
    kept.write_text(first["checkpoint"])
    auditor.fill(2, account)
    second = auditor.seal()
    assert second["size"] > first["size"]
    proof = auditor.folder / "proof.tlog-consistency"
    status, document = auditor.daybook("consistency", kept, "--out", proof)
    assert (status, document["data"]["consistent"]) == (0, True)
    assert (document["data"]["old_size"], document["data"]["new_size"]) == (first["size"], second["size"])
    assert auditor.check("consistency", kept, proof)[0] == 0
    assert auditor.daybook("consistency", first["size"], second["size"])[0] == 0
    status, document = auditor.daybook("consistency", edited(kept, f"\n{first['size']}\n".encode(), b"\n1\n"))
    assert status == 1
    assert "is no checkpoint of this log" in document["problem"]["detail"]
    assert auditor.seal()["seals"] == [], "with nothing new no seal is made"


@pytest.fixture
def change(auditor: Auditor) -> Iterator[Callable[[str, int, bool], None]]:
    """Edits a row of the event table behind everybody's back, or takes it away; afterwards it is what it was."""
    dynamodb, table = aws.client(auditor.environment, "dynamodb"), auditor.environment.event_table
    before: list[dict[str, Any]] = []

    def edit(account: str, version: int, delete: bool) -> None:
        key = {"stream_id": {"S": account}, "version": {"N": str(version)}}
        item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        before.append(item)
        if delete:
            dynamodb.delete_item(TableName=table, Key=key)
        else:
            data = item["data"]["S"].replace("100", "900")
            dynamodb.put_item(TableName=table, Item={**item, "data": {"S": data}})

    yield edit
    for item in before:
        dynamodb.put_item(TableName=table, Item=item)


@pytest.mark.parametrize(("delete", "told"), [(False, "is not the row that was sealed"), (True, "is missing")])
def test_a_table_that_is_not_what_was_sealed_has_no_history_to_prove(
    delete: bool, told: str, auditor: Auditor, change: Callable[[str, int, bool], None]
) -> None:
    account = auditor.fill(3)
    auditor.seal()
    change(account, 3 if delete else 2, delete)
    status, document = auditor.daybook("prove", account, "--history")
    assert status == 1
    assert f"ersion {3 if delete else 2} of {account} {told}" in document["problem"]["detail"]
    assert not list(auditor.folder.glob("*.daybook-rows"))


def test_an_index_that_was_lost_is_made_again(auditor: Auditor) -> None:
    account = auditor.fill(2)
    auditor.seal()
    table = auditor.outputs("Transparency")["LogIndexTableName"]
    dynamodb = aws.client(auditor.environment, "dynamodb")
    for item in dynamodb.query(
        TableName=table,
        KeyConditionExpression="account_id = :account",
        ExpressionAttributeValues={":account": {"S": account}},
    )["Items"]:
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("account_id", "first_version")})
    assert auditor.daybook("prove", account, 2)[0] == 1
    auditor.daybook("seal", "--rebuild-index")
    assert auditor.check("proof", auditor.prove(account, 2))[0] == 0
