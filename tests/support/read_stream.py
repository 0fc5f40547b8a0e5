"""A Kinesis stream that is read, with the limits and answers that AWS documents, under a simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.clocks import SimulatedTime
from tests.support.fake_dynamodb import client_error


@dataclass
class FakeShard:
    """Records as (sequence number, data, arrival); `trimmed` are those below a number, `closed` takes no more."""

    records: list[tuple[int, bytes, datetime]] = field(default_factory=list)
    closed: bool = False
    gone: bool = False
    reads: list[tuple[float, int, int]] = field(default_factory=list)
    """When it was read, and how many records and bytes that brought."""


class FakeStream:
    """Answers ListShards, GetShardIterator and GetRecords. `fail` is asked before each call and may raise."""

    def __init__(self, time: SimulatedTime, shards: Iterable[str] = ("shardId-000000000000",)) -> None:
        self.time = time
        self.shards = {each: FakeShard() for each in shards}
        self.calls: list[str] = []
        self.fail: Callable[[str, str], None] = lambda operation, shard: None
        self.page = 100

    def put(self, data: bytes, number: int, *, shard: str = "shardId-000000000000", age: float = 0.0) -> None:
        """A record arrives, or did so many seconds ago."""
        self.shards[shard].records.append((number, data, self.time.wall() - timedelta(seconds=age)))

    def list_shards(self, **request: Any) -> dict[str, Any]:
        """In pages; a page's token goes without the stream's name."""
        self._call("ListShards")
        assert request.keys() in ({"StreamName"}, {"NextToken"})
        start = int(request.get("NextToken", 0))
        shards = list(self.shards.items())
        answer: dict[str, Any] = {"Shards": [_described(*each) for each in shards[start : start + self.page]]}
        return answer | ({"NextToken": str(start + self.page)} if start + self.page < len(shards) else {})

    def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        """`<shard>/<number after which to read>`."""
        shard = self.shards[request["ShardId"]]
        self._call("GetShardIterator", request["ShardId"])
        if shard.gone:
            raise client_error("ResourceNotFoundException", "GetShardIterator")
        if request["ShardIteratorType"] == "TRIM_HORIZON":
            return {"ShardIterator": f"{request['ShardId']}/0"}
        assert request["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER"
        if shard.records and int(request["StartingSequenceNumber"]) < shard.records[0][0] - 1:
            raise client_error("InvalidArgumentException", "GetShardIterator")
        return {"ShardIterator": f"{request['ShardId']}/{request['StartingSequenceNumber']}"}

    def get_records(self, **request: Any) -> dict[str, Any]:
        """As many as `Limit` says; the end of a closed shard has no next iterator."""
        name, _, after = request["ShardIterator"].rpartition("/")
        self._call("GetRecords", name)
        shard = self.shards[name]
        waiting = [each for each in shard.records if each[0] > int(after)]
        given = waiting[: request["Limit"]]
        shard.reads.append((self.time.monotonic(), len(given), sum(len(data) for _, data, _ in given)))
        left = waiting[len(given) :]
        behind = (self.time.wall() - left[0][2]).total_seconds() if left else 0.0
        answer: dict[str, Any] = {
            "Records": [
                {"SequenceNumber": str(number), "Data": data, "ApproximateArrivalTimestamp": arrived}
                for number, data, arrived in given
            ],
            "MillisBehindLatest": int(behind * 1000),
        }
        if left or not shard.closed:
            answer["NextShardIterator"] = f"{name}/{given[-1][0] if given else after}"
        return answer

    def _call(self, operation: str, shard: str = "") -> None:
        self.calls.append(operation)
        self.time.sleep(0.01)
        self.fail(operation, shard)


def _described(name: str, shard: FakeShard) -> dict[str, Any]:
    ending = {"EndingSequenceNumber": "999999"} if shard.closed else {}
    return {"ShardId": name, "SequenceNumberRange": {"StartingSequenceNumber": "0", **ending}}
