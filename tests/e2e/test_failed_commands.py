"""Commands that are given up on the deployed system, and how operators bring them to their end."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from cli.environments.place import Place
from lambdas.eventsourcing.timestamps import parse_timestamp, utc_now
from lambdas.inbox.stream_records import insert_record
from local.emulator import aws
from local.emulator.function_logs import correlated_lines
from local.machine.environment import Environment
from local.machine.layout import REPOSITORY
from tests.e2e.inbox import Inbox, Item, Stored
from tests.e2e.waiting import eventually
from tests.support.event_source_mapping import invocation_record, object_key

pytestmark = pytest.mark.alone


class Operator:
    """Somebody with the command line, and with rights to break things."""

    def __init__(self, environment: Environment, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.environment = environment
        self.s3, self._functions = (aws.client(environment, name) for name in ("s3", "lambda"))
        self._dynamodb = aws.client(environment, "dynamodb")
        self._file = folder / "environment.json"
        environment.save(self._file)
        self._capsys = capsys

    def redrive(self, *arguments: str) -> tuple[int, list[str]]:
        """`daybook redrive`: its exit status and its lines."""
        self._capsys.readouterr()
        status = main(["redrive", *arguments, "--environment-file", str(self._file)])
        said = self._capsys.readouterr()
        assert said.err == ""
        return status, said.out.splitlines()

    @contextmanager
    def processor_without_commands(self) -> Iterator[None]:
        """Nothing comes from the stream meanwhile: in the emulator a batch that fails would hold up every account."""
        [mapping] = self._functions.list_event_source_mappings(FunctionName=self.environment.command_processor)[
            "EventSourceMappings"
        ]
        self._functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            self._functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def corrupt_row(self, account_id: str) -> Iterator[None]:
        """The newest event row of a new account cannot be read meanwhile."""
        place = {"TableName": self.environment.event_table}
        key = {"stream_id": {"S": account_id}, "version": {"N": "1"}}
        sound: Item = self._dynamodb.get_item(**place, Key=key, ConsistentRead=True)["Item"]
        corrupt = {name: value for name, value in sound.items() if name != "hash"} | {"version": {"N": "2"}}
        self._dynamodb.put_item(**place, Item=corrupt)
        try:
            yield
        finally:
            self._dynamodb.delete_item(**place, Key=key | {"version": corrupt["version"]})
            self._forget_parked_event(f"publisher/{account_id}/2.json")

    def _forget_parked_event(self, key: str) -> None:
        """The publisher parks the row, too."""
        place = Place("local", self._file, self.environment.region, self.environment.aws_endpoint_url)
        bucket = place.output("DomainEvents", "ParkingBucketName")
        eventually(lambda: self.s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"], f"{key} in {bucket}")
        self.s3.delete_object(Bucket=bucket, Key=key)

    def give_up(self, rows: list[Item]) -> str:
        """Park commands as AWS documents it, for the emulator never gives one up; the object's key."""
        now = utc_now()
        in_order = sorted(rows, key=lambda row: str(row["submitted_at"]["S"]))
        records = [_record(row, number, now) for number, row in enumerate(in_order, start=1)]
        key = object_key("shardId-00000001573689847184-864758bb", now)
        self.s3.put_object(
            Bucket=self.environment.command_parking_bucket,
            Key=key,
            Body=invocation_record(records, "shardId-00000001573689847184-864758bb", 11, now),
        )
        return key


def _record(row: Item, number: int, now: datetime) -> dict[str, Any]:
    record = insert_record(row, number)
    return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": now.timestamp()}}


@pytest.fixture
def operator(environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(environment, tmp_path, capsys)


@pytest.fixture
def inbox(environment: Environment) -> Inbox:
    return Inbox(environment)


def test_what_was_given_up_says_so_and_ends_once_its_cause_is_gone(inbox: Inbox, operator: Operator) -> None:
    account_id = inbox.api.open()
    with operator.processor_without_commands():
        with operator.corrupt_row(account_id):
            credit, withdrawal, refused = stored = [
                inbox.store(account_id, {"type": "CreditAccount", "amount": 40}),
                inbox.store(account_id, {"type": "WithdrawFromAccount", "amount": 15}),
                inbox.store(account_id, {"type": "WithdrawFromAccount", "amount": 26}),
            ]
            assert {inbox.state(each)["status"] for each in stored} == {"PENDING"}
            parked = operator.give_up(inbox.rows(account_id))
            for each in stored:
                check_failed(inbox, each)

            status, [line] = operator.redrive("--command", account_id, credit.stored_id)
            assert (status, line.split()[:3]) == (1, [account_id, credit.stored_id, "FAILED"])
            day = check_failed(inbox, credit)["completed_at"][:10]

        redriven = operator.redrive("--command", account_id, credit.stored_id)
        assert redriven == (0, [f"{account_id}  {credit.stored_id}  SUCCEEDED  version 2, balance 40"])
        check_succeeded(inbox, credit, version=2, balance=40)
        again = operator.redrive("--command", account_id, credit.stored_id)
        assert again == (0, [f"{account_id}  {credit.stored_id}  SUCCEEDED  had ended before; nothing was changed"])

        check_failed(inbox, withdrawal)
        status, lines = operator.redrive("--failed-on", day)
        assert (status, [line.split()[1:3] for line in lines]) == (
            0,
            [[withdrawal.stored_id, "SUCCEEDED"], [refused.stored_id, "REJECTED"]],
        )
        assert operator.redrive("--failed-on", day) == (0, ["there is nothing to redrive"])
        check_succeeded(inbox, withdrawal, version=3, balance=25)
        assert inbox.end(refused)["problem"]["type"] == "urn:daybook:problem:insufficient-funds"
        ended = inbox.rows(account_id)

    later = inbox.store(account_id, {"type": "CreditAccount", "amount": 1})
    check_succeeded(inbox, later, version=4, balance=26)
    assert [each for each in inbox.rows(account_id) if each["command_id"]["S"] != later.stored_id] == ended
    causes = [row["metadata"]["command_id"] for row in inbox.events(account_id)[1:]]
    assert causes == [credit.effect, withdrawal.effect, later.effect]

    status, lines = operator.redrive("--parked", "--prefix", parked)
    assert (status, len(lines)) == (0, 3)
    assert all(line.endswith("had ended before; nothing was changed") for line in lines)
    operator.s3.delete_object(Bucket=operator.environment.command_parking_bucket, Key=parked)


def test_the_documented_way_to_see_a_failed_command(
    environment: Environment, operator: Operator, tmp_path: Path
) -> None:
    script = REPOSITORY / "docs" / "examples" / "fail_a_command.py"
    command = [sys.executable, str(script), str(tmp_path / "environment.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    shown, _, lines = done.stdout.partition("\n\n")
    failed = json.loads(shown)
    account_id, command_id = failed["account_id"], f"anonymous/{failed['command_id']}"
    assert (failed["status"], failed["problem"]["type"]) == ("FAILED", "urn:daybook:problem:processing-failed")
    ask, logs, redrive = lines.splitlines()
    assert logs == f"make logs CORRELATION_ID={failed['problem']['correlation_id']}"
    assert redrive.endswith(f" redrive --command {account_id} {command_id}")

    [line] = correlated_lines(environment, failed["problem"]["correlation_id"])
    logged = json.loads(line)
    assert (logged["message"], logged["account_id"]) == (
        "a command went to the dead-letter bucket and is marked FAILED",
        account_id,
    )

    ended = f"{account_id}  {command_id}  SUCCEEDED  version 1, balance 0"
    assert operator.redrive("--command", account_id, command_id) == (0, [ended])
    with urllib.request.urlopen(ask.removeprefix("curl -s "), timeout=10) as answer:
        assert json.load(answer)["status"] == "SUCCEEDED"


def check_failed(inbox: Inbox, stored: Stored) -> dict[str, Any]:
    """What the API says of a command that was given up."""
    end = inbox.end(stored)
    assert end["status"] == "FAILED"
    assert end["problem"]["type"] == "urn:daybook:problem:processing-failed"
    assert end["problem"]["correlation_id"] == stored.answer.headers["x-correlation-id"]
    assert parse_timestamp(end["submitted_at"]) <= parse_timestamp(end["completed_at"])
    return end


def check_succeeded(inbox: Inbox, stored: Stored, *, version: int, balance: int) -> None:
    end = inbox.end(stored)
    assert (end["status"], end.get("version"), end.get("balance")) == ("SUCCEEDED", version, balance)
    assert "problem" not in end
