"""Stored commands from end to end in one process: tables, their stream, a bucket, and the real functions."""

from __future__ import annotations

import importlib
import io
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.app import main
from cli.aws import AWS
from cli.redrive.inbox import Clients, Inbox
from lambdas.eventsourcing.repository import Repository
from lambdas.inbox import table
from lambdas.inbox.marking import FailureMarker
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.backends import NO_WAITING
from tests.support.clocks import SimulatedTime
from tests.support.commands import Item, Record, command_item, command_record, new_processor
from tests.support.dynamodb_tables import KEYS, REGION, Tables, store_on
from tests.support.event_source_mapping import EventSourceMapping
from tests.support.fake_dynamodb import FakeDynamoDB, client_error
from tests.support.function_variables import ACCOUNTS
from tests.support.paging import dynamodb_paginator

BUCKET = "parking"
FUNCTION = "processor"
HANDLERS = ("lambdas.handlers.command_processor", "lambdas.handlers.command_failures")
VARIABLES = {**ACCOUNTS, "AWS_DEFAULT_REGION": REGION}
ENVIRONMENT = {
    "commands_table": "commands",
    "command_parking_bucket": BUCKET,
    "command_processor": FUNCTION,
    "region": REGION,
    "aws_endpoint_url": "http://127.0.0.1:1",
    "api_url": "something else",
}
TABLES = Tables("events", "commands")


class FakeInbox(FakeDynamoDB):
    """The tables of the ledger, with the index of failed commands, and a Scan for those that are pending."""

    def __init__(self) -> None:
        super().__init__(dict(zip(TABLES, KEYS.values(), strict=True)))
        self.stream_began = datetime(2026, 1, 1, tzinfo=UTC)

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803
        """Since when the commands table has its stream."""
        assert TableName == TABLES.commands
        return {"Table": {"LatestStreamLabel": self.stream_began.isoformat(timespec="milliseconds")[:23]}}

    def get_paginator(self, operation: str) -> Any:
        """Of `query` or `scan`."""
        return dynamodb_paginator(self, operation)

    def query(self, **request: Any) -> dict[str, Any]:
        """Of the index, keys in pages of two; of a table, as ever."""
        if "IndexName" not in request:
            return super().query(**request)
        (day,) = request.pop("ExpressionAttributeValues").values()
        start = request.pop("ExclusiveStartKey", {"place": 0})["place"]
        assert request == {
            "TableName": TABLES.commands,
            "IndexName": table.FAILED_INDEX,
            "KeyConditionExpression": "#day = :day",
            "ExpressionAttributeNames": {"#day": table.FAILED_ON},
            "ReturnConsumedCapacity": "TOTAL",
        }
        rows = [row for rows in self.tables[TABLES.commands].partitions.values() for row in rows.values()]
        found = sorted(
            (row for row in rows if row.get(table.FAILED_ON) == day), key=lambda row: row[table.RANGE_KEY]["S"]
        )
        page = found[start : start + 2]
        names = (table.HASH_KEY, table.RANGE_KEY, table.FAILED_ON)
        answer: dict[str, Any] = {"Items": [{name: row[name] for name in names} for row in page]}
        return answer | ({"LastEvaluatedKey": {"place": start + 2}} if start + 2 < len(found) else {})

    def scan(self, **request: Any) -> dict[str, Any]:
        """One segment, in pages of two rows of which those that match are given."""
        number, start = request.pop("Segment"), request.pop("ExclusiveStartKey", {"place": 0})["place"]
        values = request.pop("ExpressionAttributeValues")
        assert request == {
            "TableName": TABLES.commands,
            "FilterExpression": "#status = :pending AND #submitted_at < :moment",
            "ProjectionExpression": "#account, #command",
            "ExpressionAttributeNames": {
                "#status": table.STATUS,
                "#submitted_at": table.SUBMITTED_AT,
                "#account": table.HASH_KEY,
                "#command": table.RANGE_KEY,
            },
            "TotalSegments": 4,
            "ReturnConsumedCapacity": "TOTAL",
        }
        partitions = list(self.tables[TABLES.commands].partitions.values())[number::4]
        rows = [row for partition in partitions for row in partition.values()]
        found = [
            {name: row[name] for name in (table.HASH_KEY, table.RANGE_KEY)}
            for row in rows[start : start + 2]
            if row.get(table.STATUS) == values[":pending"] and row[table.SUBMITTED_AT]["S"] < values[":moment"]["S"]
        ]
        return {"Items": found} | ({"LastEvaluatedKey": {"place": start + 2}} if start + 2 < len(rows) else {})


class FakeBucket:
    """Objects by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        """See S3."""
        assert request["Bucket"] == BUCKET
        if request["Key"] not in self.objects:
            raise client_error("NoSuchKey", "GetObject", status=404)
        return {"Body": io.BytesIO(self.objects[request["Key"]])}

    def delete_object(self, **request: Any) -> None:
        """See S3."""
        assert request.pop("Bucket") == BUCKET
        self.objects.pop(request["Key"], None)

    def get_paginator(self, operation: str) -> FakeBucket:
        """Of one operation only."""
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        """A page for each object, and an empty one."""
        assert request.keys() == {"Bucket", "Prefix"}
        names = [name for name in sorted(self.objects) if name.startswith(request["Prefix"])]
        return [{"KeyCount": 0}, *({"Contents": [{"Key": name}]} for name in names)]


class PoisonedClient:
    """Refuses to end the commands in `poison`, for a reason that no retry heals."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.poison: set[str] = set()
        self.query = client.query

    def update_item(self, **request: Any) -> Any:
        """See DynamoDB."""
        return self._unless_poisoned("update_item", [request], request)

    def transact_write_items(self, **request: Any) -> Any:
        """See DynamoDB."""
        updates = [action["Update"] for action in request["TransactItems"] if "Update" in action]
        return self._unless_poisoned("transact_write_items", updates, request)

    def _unless_poisoned(self, name: str, updates: list[Mapping[str, Any]], request: Mapping[str, Any]) -> Any:
        if any(update["Key"][table.RANGE_KEY]["S"] in self.poison for update in updates):
            raise client_error("ValidationException", name)
        return getattr(self._client, name)(**request)


class World:
    """A commands table and its stream, a mapping, both functions, and an operator's clients.

    `dynamodb` is a client on which the ledger's tables exist; without one they are in memory.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, dynamodb: Any = None) -> None:
        self.time = SimulatedTime()
        self.dynamodb: Any = dynamodb or FakeInbox()
        self.s3 = FakeBucket()
        self.poisoned = PoisonedClient(self.dynamodb)
        self.poison = self.poisoned.poison
        self.store = store_on(self.poisoned, TABLES)
        self.processor, self.failures = (importlib.import_module(name) for name in HANDLERS)
        monkeypatch.setattr(self.processor, "_processor", new_processor(self.store, self.time.wall))
        marker = FailureMarker(self.dynamodb, TABLES.commands, clock=self.time.wall, backoff=NO_WAITING)
        monkeypatch.setattr(self.failures, "_marker", marker)
        monkeypatch.setattr(self.failures, "_s3", lambda: self.s3)
        self.mapping = EventSourceMapping(self.invoke, self.park, self.time)
        self.parked: list[str] = []
        for module in ("cli.redrive.retrying", "cli.redrive.redriver"):
            monkeypatch.setattr(f"{module}.utc_now", self.time.wall)
        monkeypatch.setattr("cli.redrive.redriver.Backoff", lambda: NO_WAITING)
        self._file = folder / "environment.json"
        self._file.write_text(json.dumps(ENVIRONMENT))
        self._sequence = itertools.count(1)

    def submit(self, account_id: str, body: Mapping[str, Any] | bytes, command_id: str | None = None) -> Record:
        """Store a command as the gateway does; its record. A second passes."""
        number = next(self._sequence)
        item = command_item(account_id, command_id or f"c{number:04}", body, self.time.wall())
        self.dynamodb.put_item(TableName=TABLES.commands, Item=item)
        record = command_record(item, number)
        record["dynamodb"]["ApproximateCreationDateTime"] = self.time.wall().timestamp()
        self.time.sleep(1.0)
        return record

    def invoke(self, records: list[Record]) -> None:
        """What Lambda does with a batch."""
        self.processor.handler({"Records": records}, CONTEXT)

    def park(self, key: str, content: bytes) -> None:
        """What Lambda and EventBridge do with a batch that is given up."""
        self.s3.objects[key] = content
        self.parked.append(key)
        self.tell(key)

    def tell(self, key: str) -> None:
        """EventBridge's event of a new object."""
        self.failures.handler({"detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}}, CONTEXT)

    def redrive(self, *arguments: str, around: Callable[[Any], Any] = lambda client: client) -> int:
        """The operator's command, with each of its clients as `around` makes it; its exit status."""
        clients = Clients(*(around(client) for client in (self.dynamodb, Functions(self.invoke), self.s3)))

        class Local(AWS):
            def inbox(self, inbox: Inbox) -> Clients:
                return clients

        return main(["redrive", *arguments, "--environment-file", str(self._file)], connections=Local())

    def row(self, record: Record) -> Item:
        """A command's row as it stands."""
        answer = self.dynamodb.get_item(TableName=TABLES.commands, Key=record["dynamodb"]["Keys"], ConsistentRead=True)
        item: Item = answer["Item"]
        return item

    def status(self, record: Record) -> str:
        """The status of a command."""
        return str(self.row(record)[table.STATUS]["S"])

    def account(self, account_id: str) -> tuple[int, int]:
        """Version and balance."""
        loaded = Repository(store_on(self.dynamodb, TABLES), ACCOUNT_DECIDER).load(account_id)
        return loaded.version, 0 if loaded.state is None else loaded.state.balance

    def parked_records(self) -> list[list[Record]]:
        """The records of each parked object."""
        return [json.loads(self.parked_document(key)["payload"])["Records"] for key in self.parked]

    def parked_document(self, key: str) -> dict[str, Any]:
        """A parked object."""
        document: dict[str, Any] = json.loads(self.s3.objects[key])
        return document


class Functions:
    """Lambda as the operator's client shows it: a function's exception is an answer."""

    def __init__(self, invoke: Callable[[list[Record]], None]) -> None:
        self._invoke = invoke

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Runs the processor."""
        assert request.keys() == {"FunctionName", "Qualifier", "InvocationType", "Payload"}
        assert (request["FunctionName"], request["Qualifier"]) == (FUNCTION, "live")
        assert request["InvocationType"] == "RequestResponse"
        try:
            self._invoke(json.loads(request["Payload"])["Records"])
        except Exception as error:  # noqa: BLE001 - whatever a function raises is a function error
            document = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {
                "StatusCode": 200,
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps(document).encode()),
            }
        return {"StatusCode": 200, "Payload": io.BytesIO(b"null")}


def new_world(monkeypatch: pytest.MonkeyPatch, folder: Path, dynamodb: Any = None) -> World:
    """An empty world; `dynamodb` as it takes it."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return World(monkeypatch, folder, dynamodb)


def open_bank(monkeypatch: pytest.MonkeyPatch, folder: Path, *account_ids: str) -> World:
    """A world with these accounts, open and empty."""
    world = new_world(monkeypatch, folder)
    world.mapping.deliver([world.submit(each, {"type": "OpenAccount", "currency": "EUR"}) for each in account_ids])
    return world


CONTEXT = SimpleNamespace(
    function_name="function",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:000000000000:function:function",
    aws_request_id="request",
    get_remaining_time_in_millis=lambda: 60_000,
)
