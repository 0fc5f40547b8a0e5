"""The parts of a deployed system in this process: a stream of shards, a lake and a function, with faults to plant."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cli.smoke.lake import Lake
from cli.smoke.listing import AccountListing
from cli.smoke.places import Parts
from cli.smoke.refusals import Use
from cli.smoke.stream import StreamWatch
from lambdas.athena.queries import Athena, Row
from lambdas.smoke.api import Api
from tests.unit.smoke.conftest import CREDENTIALS, Tried

SPLIT = 2**127
"""Where the hash keys of the two shards part."""
LAST = 2**128 - 1


class FakeStream:
    """Two shards, and a parent that was split into them. Reading begins at a moment; each reading gives one record."""

    def __init__(self) -> None:
        self.shards: dict[str, tuple[int, int]] = {"parent": (0, LAST), "low": (0, SPLIT - 1), "high": (SPLIT, LAST)}
        self.records: dict[str, list[tuple[datetime, str, bytes]]] = {name: [] for name in self.shards}
        self.begun: dict[str, datetime] = {}
        self.fault: Callable[[str], None] = lambda _: None

    def put(self, arrived: datetime, account: str, *events: Mapping[str, Any], shard: str = "") -> None:
        """A record in the shard of its account, or in another one."""
        key = int.from_bytes(hashlib.md5(account.encode(), usedforsecurity=False).digest())
        held = shard or ("low" if key < SPLIT else "high")
        self.records[held].append((arrived, account, b"\n".join(json.dumps(each).encode() for each in events)))

    def list_shards(self, **request: Any) -> dict[str, Any]:
        self.fault("ListShards")
        names = list(self.shards)
        first = int(request.get("NextToken", 0))
        assert request == ({"NextToken": str(first)} if first else {"StreamName": "events"}), request
        name = names[first]
        start, end = self.shards[name]
        held = {"StartingHashKey": str(start), "EndingHashKey": str(end)}
        more = {"NextToken": str(first + 1)} if first + 1 < len(names) else {}
        return {"Shards": [{"ShardId": name, "HashKeyRange": held}], **more}

    def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        self.fault("GetShardIterator")
        assert request["ShardIteratorType"] == "AT_TIMESTAMP"
        self.begun[request["ShardId"]] = request["Timestamp"]
        return {"ShardIterator": f"{request['ShardId']}/0"}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 - as boto3 calls it
        self.fault("GetRecords")
        shard, _, place = ShardIterator.partition("/")
        since = [each for each in self.records[shard] if each[0] >= self.begun[shard]]
        found = since[int(place) : int(place) + 1]
        records = [{"PartitionKey": account, "Data": data} for _, account, data in found]
        if shard == "parent" and int(place) >= len(since):
            return {"Records": records}  # it was split: closed after its last record
        return {"Records": records, "NextShardIterator": f"{shard}/{int(place) + len(found)}"}


@dataclass
class FakeLake:
    """Answers in turn, and keeps the statements. An answer that is an error is raised."""

    answers: list[list[Row] | Exception]
    asked: list[str] = field(default_factory=list)

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[Row]:
        assert time_left() > 0
        self.asked.append(sql)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakeFunctions:
    """One function: what it answers, and how it was invoked."""

    answer: Any = field(default_factory=lambda: {"files": ["s3://a", "s3://b"], "missing": 0})
    error: str = ""
    fault: Exception | None = None
    invoked: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.invoked.append(request)
        if self.fault is not None:
            raise self.fault
        content = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return {"Payload": io.BytesIO(content), **({"FunctionError": self.error} if self.error else {})}


class FakeTime:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()


def use(service: str) -> Use:
    return Use(service=service, resource=f"the {service} thing", policy=f"{service}PolicyArn of Daybook-dev-X")


def watch(stream: FakeStream, time: FakeTime) -> StreamWatch:
    return StreamWatch(stream, "events", use=use("kinesis"), monotonic=time.monotonic, sleep=time.sleep)


def lake(queries: FakeLake | Athena, time: FakeTime, *, interval: float = 600, patience: float = 1800) -> Lake:
    return Lake(
        queries, use=use("athena"), interval=interval, patience=patience, monotonic=time.monotonic, sleep=time.sleep
    )


def parts(tried: Tried, run: str, stream: FakeStream, queries: FakeLake, functions: FakeFunctions) -> Parts:
    """All parts, with the whole API of `tried`."""
    time = FakeTime()
    api = Api(tried.url, credentials=CREDENTIALS, region="eu-central-1", correlation_id=run)
    return Parts(
        api=api,
        listing=AccountListing(api, monotonic=time.monotonic, sleep=time.sleep),
        stream=watch(stream, time),
        lake=lake(queries, time),
        functions=functions,
        report_function="report",
        report_use=use("lambda"),
    )
