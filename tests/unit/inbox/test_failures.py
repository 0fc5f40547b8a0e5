"""Commands that were given up: the parked objects, the marks in the rows, and the function that makes them."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.inbox import table
from lambdas.inbox.marking import FailureMarker, Mark
from lambdas.inbox.parked_objects import ParkedObjectError, parked_batch
from tests.support.backends import NO_WAITING
from tests.support.clocks import START
from tests.support.command_world import BUCKET, CONTEXT, TABLES, VARIABLES, FakeBucket, FakeInbox
from tests.support.commands import CORRELATION, MALFORMED, Item, Record, command_item, command_record
from tests.support.event_rows import account_id
from tests.support.event_source_mapping import invocation_record, object_key
from tests.support.fake_dynamodb import client_error

MODULE = "lambdas.handlers.command_failures"
A, B = account_id(1), account_id(2)
SECRET = "nobody-reads-this"
BODY = {"type": "CreditAccount", "amount": 1, "reference": SECRET}
NOW, TODAY = "2026-03-01T12:00:00.000Z", "2026-03-01"


class Place:
    """A commands table and a bucket, and the function over them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dynamodb, self.s3 = FakeInbox(), FakeBucket()
        self.marker = FailureMarker(self.dynamodb, TABLES.commands, clock=lambda: START, backoff=NO_WAITING)
        self.module = importlib.import_module(MODULE)
        monkeypatch.setattr(self.module, "_marker", self.marker)
        monkeypatch.setattr(self.module, "_s3", lambda: self.s3)

    def store(self, account: str, command: str, **changes: Any) -> Record:
        """A stored command, in another state than it was stored in if `changes` say so; its record."""
        item = command_item(account, command, BODY)
        self.dynamodb.put_item(TableName=TABLES.commands, Item=item | changes)
        return command_record(item, 1)

    def row(self, account: str, command: str) -> Item | None:
        """A row as it stands."""
        key = {table.HASH_KEY: {"S": account}, table.RANGE_KEY: {"S": command}}
        item: Item | None = self.dynamodb.get_item(TableName=TABLES.commands, Key=key, ConsistentRead=True).get("Item")
        return item

    def park(self, *records: Record, content: bytes | None = None) -> dict[str, Any]:
        """Park records; the event that tells of it."""
        key = object_key("shardId-00000001573689847184-864758bb", START)
        self.s3.objects[key] = content or invocation_record(records, "shard", 4, START)
        return {
            "version": "0",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": key, "size": 1}},
        }

    def tell(self, event: dict[str, Any]) -> None:
        """Invoke the function."""
        assert self.module.handler(event, CONTEXT) is None


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return Place(monkeypatch)


def failed_metric(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """What the function counted."""
    (line,) = [text for text in capsys.readouterr().out.splitlines() if "CommandsFailed" in text]
    count: list[float] = json.loads(line)["CommandsFailed"]
    return count


def test_every_parked_command_says_failed(
    place: Place, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Of whatever account."""
    event = place.park(place.store(A, "a1"), place.store(B, "b1"), place.store(A, "a2"))
    place.tell(event)
    for account, command in ((A, "a1"), (B, "b1"), (A, "a2")):
        row = place.row(account, command)
        assert row is not None
        problem = json.loads(row.pop("problem")["S"])
        assert row == command_item(account, command, BODY) | {
            table.STATUS: {"S": table.FAILED},
            table.COMPLETED_AT: {"S": NOW},
            table.FAILED_ON: {"S": TODAY},
        }
        assert (problem["type"], problem["status"]) == ("urn:daybook:problem:processing-failed", 500)
        assert problem["correlation_id"] == CORRELATION
    assert failed_metric(capsys) == [3.0]
    logs = [vars(record) for record in caplog.records]
    assert [(log["levelname"], log["account_id"], log["command_id"]) for log in logs] == [
        ("ERROR", A, "a1"), ("ERROR", B, "b1"), ("ERROR", A, "a2")
    ]  # fmt: skip
    assert {log["correlation_id"] for log in logs} == {CORRELATION}, "`make logs CORRELATION_ID=...` finds them"
    assert {log["object"] for log in logs} == {event["detail"]["object"]["key"]}
    assert SECRET not in str(logs)


@pytest.mark.parametrize("status", [table.SUCCEEDED, table.REJECTED])
def test_an_end_state_stands(place: Place, status: str, capsys: pytest.CaptureFixture[str]) -> None:
    event = place.park(place.store(A, "a1", status={"S": status}), place.store(B, "b1"))
    before = place.row(A, "a1")
    place.tell(event)
    assert place.row(A, "a1") == before
    assert failed_metric(capsys) == [1.0]


def test_the_event_may_come_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """It counts again: the function may have ended before its metrics were written."""
    event = place.park(place.store(A, "a1"))
    place.tell(event)
    before = place.row(A, "a1")
    place.marker._clock = lambda: START.replace(month=5)
    capsys.readouterr()
    place.tell(event)
    assert place.row(A, "a1") == before
    assert failed_metric(capsys) == [1.0]


def test_a_command_that_is_not_stored_is_not_made(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.tell(place.park(command_record(command_item(A, "never", BODY), 1)))
    assert place.row(A, "never") is None
    assert failed_metric(capsys) == [0.0]


def test_a_row_without_a_status_is_no_command(place: Place) -> None:
    """It has no status: nothing can be done to it, whatever a record says."""
    other = {table.HASH_KEY: {"S": A}, table.RANGE_KEY: {"S": "AROAONE/k"}, "response": {"S": "{}"}}
    place.dynamodb.put_item(TableName=TABLES.commands, Item=other)
    place.tell(place.park(command_record(command_item(A, "AROAONE/k", BODY), 1)))
    assert place.row(A, "AROAONE/k") == other


def test_the_day_of_the_first_failure_is_kept(place: Place) -> None:
    """Whoever redrives a day finds what failed again while it was redriven."""
    record = place.store(A, "a1", failed_on={"S": "2026-02-27"})
    assert place.marker.mark(record) is Mark.FAILED
    row = place.row(A, "a1")
    assert row is not None
    assert (row["failed_on"], row["completed_at"]) == ({"S": "2026-02-27"}, {"S": NOW})


def test_a_record_without_keys_stops_no_other_and_is_told(
    place: Place, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bad = command_record(command_item(A, "a1", BODY), 1)
    del bad["dynamodb"]["Keys"]
    with pytest.raises(place.module.MarkingIncompleteError, match=r"1 commands of aws/lambda/.* could not be marked"):
        place.tell(place.park(bad, place.store(B, "b1")))
    row = place.row(B, "b1")
    assert row is not None
    assert row["status"] == {"S": table.FAILED}
    assert failed_metric(capsys) == [1.0]
    assert "no keys of a command" in str(vars(caplog.records[-1])["reasons"])


def test_a_row_that_cannot_be_written_stops_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    event = place.park(place.store(A, "a1"), place.store(B, "b1"))
    update = place.dynamodb.update_item

    def throttled(**request: Any) -> Any:
        if request["Key"][table.HASH_KEY]["S"] == A:
            raise client_error("ThrottlingException", "UpdateItem")
        return update(**request)

    monkeypatch.setattr(place.dynamodb, "update_item", throttled)
    with pytest.raises(place.module.MarkingIncompleteError):
        place.tell(event)
    row = place.row(B, "b1")
    assert row is not None
    assert row["status"] == {"S": table.FAILED}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"payload":1}', b'{"payload":"{"}', b"[" * 100_000])
def test_an_object_that_is_no_parked_batch_is_an_error(place: Place, content: bytes) -> None:
    with pytest.raises(ParkedObjectError, match="holds no event of a stream"):
        parked_batch(content)
    if content:
        with pytest.raises(ParkedObjectError):
            place.tell(place.park(content=content))


@pytest.mark.parametrize("malformed", MALFORMED, ids=json.dumps)
def test_a_malformed_record_is_named_and_those_beside_it_are_marked(
    place: Place, malformed: Any, caplog: pytest.LogCaptureFixture
) -> None:
    records = [place.store(A, "a1"), malformed, place.store(B, "b1")]
    event = place.park(content=json.dumps({"payload": {"Records": records}}).encode())
    with pytest.raises(place.module.MarkingIncompleteError, match="1 commands"):
        place.tell(event)
    for account, command in ((A, "a1"), (B, "b1")):
        row = place.row(account, command)
        assert row is not None
        assert row["status"] == {"S": table.FAILED}
    (reason,) = vars(caplog.records[-1])["reasons"]
    assert reason.startswith("record 2: the record ")


def test_an_object_that_is_gone_is_done(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever removed it had its commands carried out: another try finds it no more than this one."""
    event = place.park(place.store(A, "a1"))
    event["detail"]["object"]["key"] += "x"
    place.tell(event)
    row = place.row(A, "a1")
    assert row is not None
    assert row["status"] == {"S": table.PENDING}
    assert failed_metric(capsys) == [0.0]


def test_an_object_that_may_not_be_read_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 says so of a missing one, too, to those who may not list the bucket."""
    event = place.park(place.store(A, "a1"))

    def denied(**request: Any) -> Any:
        raise client_error("AccessDenied", "GetObject", status=403)

    monkeypatch.setattr(place.s3, "get_object", denied)
    with pytest.raises(ClientError, match="AccessDenied"):
        place.tell(event)


def test_a_row_in_a_transaction_is_marked_when_that_is_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every client retries a transaction conflict by itself: botocore's does not."""
    event = place.park(place.store(A, "a1"), place.store(B, "b1"))
    update, conflicts = place.dynamodb.update_item, iter([True] * 3)

    def conflicting(**request: Any) -> Any:
        if next(conflicts, False):
            raise client_error("TransactionConflictException", "UpdateItem")
        return update(**request)

    monkeypatch.setattr(place.dynamodb, "update_item", conflicting)
    place.tell(event)
    for account, command in ((A, "a1"), (B, "b1")):
        row = place.row(account, command)
        assert row is not None
        assert row["status"] == {"S": table.FAILED}


def test_the_event_may_be_the_payload_or_its_text() -> None:
    """AWS documents `"payload": "<Whole Event>"`."""
    record = command_record(command_item(A, "a1", BODY), 7)
    other = command_record({table.HASH_KEY: {"S": A}, table.RANGE_KEY: {"S": "AROAONE/k"}}, 8)
    as_text = json.loads(invocation_record([record, other], "shard", 4, START))
    assert isinstance(as_text["payload"], str)
    as_object = as_text | {"payload": json.loads(as_text["payload"])}
    for document in (as_text, as_object):
        assert parked_batch(json.dumps(document).encode()).commands == [record]


def test_clients_retry_a_little_and_are_bounded(place: Place) -> None:
    composition = importlib.import_module("lambdas.composition.inbox")
    for service in ("s3", "dynamodb"):
        config = composition.repeating_client(service).meta.config
        assert config.retries["total_max_attempts"] == 4
        assert (config.connect_timeout, config.read_timeout) == (1, 3)
