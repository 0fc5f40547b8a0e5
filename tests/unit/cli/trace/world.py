"""What happened under some correlation ids, in the places that a trace reads: fakes of boto3's low-level clients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

from botocore.exceptions import EndpointConnectionError

from cli.aws import AWS
from cli.environments.place import Place
from cli.sql.session import Result
from cli.trace.log_lines import CloudWatchLines
from cli.trace.sources import Sources
from cli.trace.stored import CommandsTable
from cli.trace.stream import KinesisArrivals
from lambdas.accounts.commands import AnyCommand, Transfer
from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
GROUPS = {"api-logs": "request", "processor-logs": "processor", "publisher-logs": "publisher"}
HALF = 2**127
SHARDS = (("shard-0", 0, HALF - 1), ("shard-1", HALF, 2**128 - 1))


def place_of(account_id: str) -> int:
    """Where an account is among the shards' ranges. Source: Kinesis developer guide, "Partition key"."""
    return int(md5(account_id.encode(), usedforsecurity=False).hexdigest(), 16)


def account(number: int) -> str:
    return str(UUID(int=number, version=4))


class Logs:
    """Log groups with lines; each page holds one."""

    def __init__(self) -> None:
        self.groups: dict[str, list[tuple[datetime, str]]] = {name: [] for name in GROUPS}
        self.asked: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def get_paginator(self, name: str) -> Logs:
        assert name == "filter_log_events"
        return self

    def paginate(self, **request: Any) -> Iterable[dict[str, Any]]:
        if self.error is not None:
            raise self.error
        self.asked.append(request)
        term = request["filterPattern"]
        assert term[0] == term[-1] == '"'
        yield {"events": []}
        for time, line in self.groups[request["logGroupName"]]:
            epoch = time.timestamp() * 1000
            if term[1:-1] in line and request["startTime"] <= epoch <= request["endTime"]:
                yield {"events": [{"timestamp": int(epoch) + 900, "message": f"{line}\n"}]}


class Kinesis:
    """A stream of two shards. A page holds so many records."""

    def __init__(self, page: int = 2) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {shard: [] for shard, _, _ in SHARDS}
        self.hours = 168
        self.read = 0
        self.error: Exception | None = None
        self._page = page

    def describe_stream_summary(self, *, StreamName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        assert StreamName == "events"
        if self.error is not None:
            raise self.error
        return {"StreamDescriptionSummary": {"RetentionPeriodHours": self.hours}}

    def get_paginator(self, name: str) -> Kinesis:
        assert name == "list_shards"
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [
            {"Shards": [{"ShardId": shard, "HashKeyRange": {"StartingHashKey": str(low), "EndingHashKey": str(high)}}]}
            for shard, low, high in SHARDS
        ]

    def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        assert request["ShardIteratorType"] == "AT_TIMESTAMP"
        records = self.records[request["ShardId"]]
        skipped = sum(each["ApproximateArrivalTimestamp"] < request["Timestamp"] for each in records)
        return {"ShardIterator": (request["ShardId"], skipped)}

    def get_records(self, *, ShardIterator: tuple[str, int]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        shard, start = ShardIterator
        self.read += 1
        records = self.records[shard]
        end = min(start + self._page, len(records))
        behind = 0 if end == len(records) else 1000
        return {"Records": records[start:end], "NextShardIterator": (shard, end), "MillisBehindLatest": behind}

    def arrive(self, account_id: str, lines: Iterable[bytes], time: datetime) -> None:
        shard = next(name for name, low, high in SHARDS if low <= place_of(account_id) <= high)
        number = str(len(self.records[shard]))
        self.records[shard].append({
            "PartitionKey": account_id, "Data": b"\n".join(lines), "ApproximateArrivalTimestamp": time,
            "SequenceNumber": number,
        })  # fmt: skip


class DynamoDB:
    """A commands table of one page."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"] is True
        key = request["Key"]
        row = self.rows.get((key["account_id"]["S"], key["command_id"]["S"]))
        return {} if row is None else {"Item": self._projected(row, request)}

    def get_paginator(self, name: str) -> DynamoDB:
        assert name == "query", "never a Scan"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        values = request["ExpressionAttributeValues"]
        found = [
            self._projected(row, request)
            for (account_id, _), row in self.rows.items()
            if {"S": account_id} == values[":account"] and row["correlation_id"] == values[":correlation"]
        ]
        return [{"Items": found}]

    def store(self, account_id: str, command_id: str, correlation_id: str, **more: dict[str, str]) -> None:
        self.rows[account_id, command_id] = {
            "account_id": {"S": account_id}, "command_id": {"S": command_id}, "status": {"S": "PENDING"},
            "submitted_at": {"S": text(NOW)}, "correlation_id": {"S": correlation_id}, "body": {"B": b"secret"}, **more,
        }  # fmt: skip

    @staticmethod
    def _projected(row: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        names = request["ExpressionAttributeNames"]
        wanted = {names[each] for each in request["ProjectionExpression"].split(", ")}
        assert "body" not in wanted, "nobody asked for what the client sent"
        return {name: value for name, value in row.items() if name in wanted}


def text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World(AWS):
    """All of it, and the connections that a command gets."""

    def __init__(self) -> None:
        self.now = NOW
        self.logs, self.kinesis, self.dynamodb = Logs(), Kinesis(), DynamoDB()
        self.store = InMemoryEventStore()
        self.lake: list[tuple[str, EventRow, str, int]] = []
        self.statements: list[str] = []
        self.lake_error: Exception | None = None
        self._service = AccountService(
            Repository(self.store, ACCOUNT_DECIDER, clock=lambda: self.now), clock=lambda: self.now
        )

    def tracing(self, place: Place) -> Sources:
        del place
        return Sources(
            CloudWatchLines(self.logs, GROUPS),  # type: ignore[arg-type]
            self.store,
            CommandsTable(self.dynamodb, "commands"),
            KinesisArrivals(self.kinesis, "events", clock=lambda: self.now, sleep=lambda _: None),
            self._ask,
        )

    def append(self, command: AnyCommand, account_id: str, correlation_id: str) -> list[EventRow]:
        """Carry a command out; the rows that it appended."""
        context = CommandContext(str(UUID(int=7)), correlation_id, "caller")
        if isinstance(command, Transfer):
            done = self._service.transfer(command, str(UUID(int=9)), context)
        else:
            done = self._service.execute(command, account_id, context)
        return [self.row(each.stream_id, each.version) for each in done.streams]  # type: ignore[union-attr]

    def row(self, account_id: str, version: int) -> EventRow:
        return self.store.read(account_id, after=version - 1, up_to=version, deadline=Deadline()).rows[0]

    def log(self, group: str, milliseconds: int, message: str, correlation_id: Any, **fields: Any) -> None:
        """A line as Powertools writes it, so long after now."""
        time = self.now + timedelta(milliseconds=milliseconds)
        stamp = f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03d}+0000"
        line = {"message": message, "timestamp": stamp, "correlation_id": correlation_id, **fields}
        self.logs.groups[group].append((time, json.dumps(line)))

    def publish(self, rows: Iterable[EventRow], milliseconds: int) -> None:
        """The publisher's line of a batch, and the records, which arrive before it."""
        events = list(rows)
        for row in events:
            line = encode_domain_event(domain_event(row))
            self.kinesis.arrive(row.stream_id, [line], self.now + timedelta(milliseconds=milliseconds - 10))
        ids = [f"{row.stream_id}/{row.version}" for row in events]
        whose = [json.loads(row.metadata)["correlation_id"] for row in events]
        self.log("publisher-logs", milliseconds, "events were published", whose, events=ids)

    def deliver(self, rows: Iterable[EventRow], deliveries: int = 1) -> None:
        """The rows are in the lake."""
        self.lake += [
            (json.loads(row.metadata)["correlation_id"], row, f"{self.now:%Y-%m-%d}", deliveries) for row in rows
        ]

    def _ask(self, statement: str) -> Result:
        if self.lake_error is not None:
            raise self.lake_error
        self.statements.append(statement)
        rows = [
            (f"{row.stream_id}/{row.version}", row.stream_id, row.version, partition, deliveries)
            for whose, row, partition, deliveries in self.lake
            if f"correlationid = '{whose}'" in statement
        ]
        return Result(["id", "account_id", "version", "first_dt", "deliveries"], rows, 0)


def silent(service: str) -> EndpointConnectionError:
    """No answer."""
    return EndpointConnectionError(endpoint_url=f"https://{service}.example")
