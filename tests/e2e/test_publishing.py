"""Publishing when things go wrong on the deployed system, and what operators do about it.

Every test works on accounts of its own and leaves event table and lake equal.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cli.app import main
from cli.environments.place import Place
from cli.output import counted
from lambdas.contracts.lake import EVENTS_PREFIX
from lambdas.eventsourcing.chain import row_hash
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from local.emulator import aws
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone

HANDLER = "lambdas.handlers.event_publisher.handler"
Item = dict[str, dict[str, Any]]


class Daybook:
    """The deployed system, as its clients, its operators and its intruders reach it."""

    def __init__(self, environment: Environment, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.environment = environment
        self.dynamodb, self.s3, self.kinesis, self.functions, self.logs = (
            aws.client(environment, name) for name in ("dynamodb", "s3", "kinesis", "lambda", "logs")
        )
        place = Place("local", file, environment.region, environment.aws_endpoint_url)
        self.parking = place.output("DomainEvents", "ParkingBucketName")
        self.since = utc_now()
        self._file = file
        self._capsys = capsys

    def account(self, credited: int) -> str:
        """A new account with so many events after its first."""
        client = Client(self.environment)
        account_id: str = client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"]
        for _ in range(credited):
            client.post(f"/accounts/{account_id}/credit", {"amount": 5}, expected=200)
        client.close()
        return account_id

    def row(self, account_id: str, version: int) -> Item:
        item: Item = self.dynamodb.get_item(
            TableName=self.environment.event_table, Key=self._key(account_id, version), ConsistentRead=True
        )["Item"]
        return item

    def put(self, item: Item) -> None:
        self.dynamodb.put_item(TableName=self.environment.event_table, Item=item)

    def remove(self, account_id: str, version: int) -> None:
        self.dynamodb.delete_item(TableName=self.environment.event_table, Key=self._key(account_id, version))

    def _key(self, account_id: str, version: int) -> Item:
        return {"stream_id": {"S": account_id}, "version": {"N": str(version)}}

    def published(self, account_id: str) -> list[int]:
        """Sequences of an account as they stand in the stream."""
        documents = (json.loads(line) for data in self._records(account_id) for line in data.splitlines())
        return [each["streamversion"] for each in documents]

    def all_published(self, account_id: str, newest: int) -> bool:
        return self.published(account_id)[-1:] == [newest]

    def _records(self, account_id: str) -> Iterator[bytes]:
        name = self.environment.domain_event_stream
        for shard in self.kinesis.list_shards(StreamName=name)["Shards"]:
            place = self.kinesis.get_shard_iterator(
                StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while place:
                page = self.kinesis.get_records(ShardIterator=place, Limit=10_000)
                yield from (each["Data"] for each in page["Records"] if each["PartitionKey"] == account_id)
                place = page.get("NextShardIterator") if page["Records"] else None

    def parked(self, key: str) -> bytes | None:
        try:
            content: bytes = self.s3.get_object(Bucket=self.parking, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        return content

    def lake_files(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.environment.lake_bucket, Prefix=EVENTS_PREFIX
        )
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def lose(self, account_id: str, folder: Path, older: set[str]) -> list[int]:
        """Delete one of the lake's files but the older ones that holds only events of an account; their versions."""
        for key in set(self.lake_files()) - older:
            file = folder / "events.parquet"
            file.write_bytes(self.s3.get_object(Bucket=self.environment.lake_bucket, Key=key)["Body"].read())
            rows = duckdb.execute("SELECT subject, streamversion FROM read_parquet(?)", [str(file)]).fetchall()
            if {subject for subject, _ in rows} == {account_id}:
                self.s3.delete_object(Bucket=self.environment.lake_bucket, Key=key)
                return sorted({streamversion for _, streamversion in rows})
        raise AssertionError(f"no file holds only events of {account_id}")

    def run(self, *arguments: str) -> tuple[int, str]:
        """An operator's command: its exit status and what it printed, errors after the rest."""
        self._capsys.readouterr()
        status = main([*arguments, "--environment-file", str(self._file)])
        said = self._capsys.readouterr()
        return status, said.out + said.err

    def reconcile(self) -> tuple[int, dict[str, Any]]:
        """Status and data; `printed` is the whole document."""
        day = self.since.date().isoformat()
        self._capsys.readouterr()
        status = main(["reconcile", "--from", day, "--settle", "0", "--json", "--environment-file", str(self._file)])
        self.printed = self._capsys.readouterr().out
        return status, json.loads(self.printed)["data"]

    def equal(self) -> bool:
        return self.reconcile()[0] == 0

    def said(self, *words: str) -> list[str]:
        """Lines of the publisher's log since the test began that have all the words."""
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._log_group(), startTime=int(self.since.timestamp() * 1000)
        )
        lines = [event["message"] for page in pages for event in page["events"]]
        return [line for line in lines if all(word in line for word in words)]

    def tampered(self) -> int:
        """How many tampered rows the publisher counted."""
        lines = self.said("_aws", "EventTableTampered")
        return sum(int(json.loads(line)["EventTableTampered"][0]) for line in lines)

    def invoke(self, records: list[dict[str, Any]]) -> None:
        """The publisher, by somebody else than the table's stream."""
        answer = self.functions.invoke(
            FunctionName=self.publisher()["FunctionName"],
            Qualifier="live",
            Payload=json.dumps({"Records": records}).encode(),
        )
        assert "FunctionError" not in answer

    def publisher(self) -> dict[str, Any]:
        pages = self.functions.get_paginator("list_functions").paginate()
        [found] = [each for page in pages for each in page["Functions"] if each["Handler"] == HANDLER]
        return dict(found)

    def _log_group(self) -> str:
        function = self.publisher()
        group: str = function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
        return group

    @contextmanager
    def publishing_to(self, stream: str) -> Iterator[None]:
        """The live publisher sends to another stream meanwhile."""
        name = self.publisher()["FunctionName"]
        variables = self.functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        live = self.functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        self._configure(name, variables | {"DOMAIN_EVENT_STREAM": stream})
        version = self.functions.publish_version(FunctionName=name)["Version"]
        self.functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
        try:
            yield
        finally:
            self.functions.update_alias(FunctionName=name, Name="live", FunctionVersion=live)
            self._configure(name, variables)

    def _configure(self, name: str, variables: dict[str, str]) -> None:
        self.functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@pytest.fixture
def daybook(environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Daybook]:
    """The system with everything of earlier tests arrived; equal at the end as well."""
    file = tmp_path / "environment.json"
    environment.save(file)
    found = Daybook(environment, file, capsys)
    eventually(found.equal, "an equal lake before the test")
    yield found
    eventually(found.equal, "an equal lake after the test")


def test_a_malformed_row_is_parked_holds_up_nobody_and_is_published_once_it_is_mended(daybook: Daybook) -> None:
    account_id = daybook.account(0)
    now = {"S": format_timestamp(utc_now())}
    sound = daybook.row(account_id, 1) | {
        "version": {"N": "2"}, "type": {"S": "BalanceCredited"}, "data": {"S": '{"amount":7,"currency":"EUR"}'},
        "occurred_at": now, "recorded_at": now,
    }  # fmt: skip
    first = daybook.row(account_id, 1)
    malformed = _following(first, sound | {"data": {"S": '{"amount":"seven"}'}})
    daybook.put(malformed)
    daybook.put(_following(malformed, sound | {"version": {"N": "3"}}))
    other = daybook.account(1)

    key = f"publisher/{account_id}/2.json"
    eventually(lambda: daybook.published(other) == [1, 2], "the other account's events")
    eventually(lambda: daybook.published(account_id) == [1, 3], "the account's own other events")
    parked = json.loads(eventually(lambda: daybook.parked(key), "the parked row"))
    assert parked["Records"][0]["dynamodb"]["NewImage"]["data"] == malformed["data"]
    assert parked["reason"].startswith(f"{account_id}/2: ")
    eventually(lambda: daybook.said('"RowsParked":[1'), "the metric of the alarm")

    eventually(lambda: daybook.reconcile()[1]["missing"] == [f"{account_id}/2"], "the one row that is missing")
    status, said = daybook.run("republish", "--parked", "--prefix", key, "--delete")
    assert status == 1
    assert f"not sent: {key}: {account_id}/2: " in said
    assert daybook.run("republish", "--account", account_id, "--from", "2", "--to", "2")[0] == 1

    daybook.put(_following(first, sound))
    assert daybook.run("republish", "--account", account_id, "--from", "2", "--to", "2") == (0, "1 event sent\n")
    assert daybook.published(account_id) == [1, 3, 2]
    eventually(daybook.equal, "the mended event in the lake")
    daybook.s3.delete_object(Bucket=daybook.parking, Key=key)


def test_a_changed_row_and_a_removed_one_are_told_and_never_published(daybook: Daybook) -> None:
    account_id = daybook.account(2)
    eventually(lambda: daybook.published(account_id) == [1, 2, 3], "the account's events")
    removed = daybook.row(account_id, 3)
    daybook.put(daybook.row(account_id, 2) | {"commit_id": {"S": "somebody-else"}})
    daybook.remove(account_id, 3)

    for change, version in (("MODIFY", 2), ("REMOVE", 3)):
        (line, *_) = eventually(partial(daybook.said, account_id, change), f"the {change} in the log")
        told = json.loads(line[line.index("{") :])
        assert (told["level"], told["stream_id"], told["version"]) == ("ERROR", account_id, str(version))
    eventually(lambda: daybook.tampered() == 2, "the metric of the alarm")
    status, found = eventually(lambda: _different(daybook), "what only the lake has")
    assert (status, found["unknown"], found["missing"]) == (1, [f"{account_id}/3"], [])
    assert daybook.published(account_id) == [1, 2, 3]

    daybook.put(removed)
    eventually(lambda: daybook.published(account_id) == [1, 2, 3, 3], "the row that was put back")


def test_a_forged_record_is_not_published_and_an_operator_sends_what_the_table_holds(daybook: Daybook) -> None:
    account_id = daybook.account(1)
    eventually(lambda: daybook.published(account_id) == [1, 2], "the account's events")
    first, second = daybook.row(account_id, 1), daybook.row(account_id, 2)
    forged = second | {"data": {"S": second["data"]["S"].replace("5", "5000", 1)}}
    daybook.invoke([_inserted(first), _inserted(forged)])
    assert daybook.published(account_id) == [1, 2, 1]
    eventually(lambda: daybook.tampered() == 1, "the metric of the alarm")

    prefix = f"publisher/{account_id}/2.tampered-"
    status, said = daybook.run("republish", "--parked", "--prefix", prefix, "--delete")
    assert (status, daybook.published(account_id)) == (1, [1, 2, 1, 2])
    assert "the table holds another event, and that was sent" in said
    [kept] = daybook.s3.list_objects_v2(Bucket=daybook.parking, Prefix=prefix)["Contents"]
    daybook.s3.delete_object(Bucket=daybook.parking, Key=kept["Key"])


def test_events_wait_while_kinesis_is_away_and_come_in_their_order(daybook: Daybook) -> None:
    with daybook.publishing_to("no-such-stream"):
        accounts = [daybook.account(3) for _ in range(3)]
        eventually(lambda: daybook.said("accounts are not fully published", accounts[0]), "a batch that failed")
        assert [daybook.published(each) for each in accounts] == [[], [], []]
    for each in accounts:
        eventually(partial(daybook.all_published, each, 4), f"the events of {each}")
        assert list(dict.fromkeys(daybook.published(each))) == [1, 2, 3, 4]


def test_what_the_lake_lost_is_seen_and_heals_by_publishing_it_again(daybook: Daybook, tmp_path: Path) -> None:
    before = set(daybook.lake_files())
    account_id = daybook.account(3)
    eventually(daybook.equal, "the account's events in the lake")
    events = daybook.reconcile()[1]["days"][-1]["event_table"]
    lost = daybook.lose(account_id, tmp_path, before)

    status, found = daybook.reconcile()
    assert (status, found["missing"]) == (1, [f"{account_id}/{version}" for version in lost])
    assert found["days"][-1]["lake"] == events - len(lost)
    listed = tmp_path / "missing.json"
    listed.write_text(daybook.printed)
    assert daybook.run("republish", "--ids", str(listed)) == (0, f"{counted(len(lost), 'event')} sent\n")
    eventually(daybook.equal, "the events that were sent again")
    assert daybook.reconcile()[1]["days"][-1]["lake"] == events


def test_a_batch_that_the_mapping_gave_up_is_replayed(daybook: Daybook, tmp_path: Path) -> None:
    """The emulator parks no batch itself: its object is put as AWS documents it."""
    before = set(daybook.lake_files())
    accounts = [daybook.account(2) for _ in range(2)]
    eventually(daybook.equal, "the accounts' events in the lake")
    lost = [f"{each}/{version}" for each in accounts for version in daybook.lose(each, tmp_path, before)]
    assert sorted(daybook.reconcile()[1]["missing"]) == sorted(lost)

    records = [_inserted(daybook.row(each, version)) for version in (3, 2, 1) for each in accounts]
    key = f"aws/lambda/mapping/shard/2026/01/01/{accounts[0]}"
    body = json.dumps({"version": "1.0", "payload": json.dumps({"Records": records})})
    daybook.s3.put_object(Bucket=daybook.parking, Key=key, Body=body.encode())
    status, said = daybook.run("republish", "--parked", "--prefix", "aws/lambda/", "--delete")
    assert (status, said.splitlines()) == (0, [f"{key}: 6 events sent, object deleted", "6 events sent"])
    for each in accounts:
        assert daybook.published(each)[-3:] == [1, 2, 3]
    eventually(daybook.equal, "the events that were sent again")


def _following(before: Item, item: Item) -> Item:
    """An item with the hash that follows from the item before it."""
    return item | {"hash": {"B": row_hash(bytes(before["hash"]["B"]), item_to_row(item))}}


def _different(daybook: Daybook) -> tuple[int, dict[str, Any]] | None:
    status, found = daybook.reconcile()
    return (status, found) if status else None


def _inserted(item: Item) -> dict[str, Any]:
    """The stream's record of a row, as JSON has it: bytes are base64."""
    image = {
        name: {"B": base64.b64encode(bytes(value["B"])).decode()} if "B" in value else value
        for name, value in item.items()
    }
    keys = {name: item[name] for name in ("stream_id", "version")}
    return {"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": {"Keys": keys, "NewImage": image}}
