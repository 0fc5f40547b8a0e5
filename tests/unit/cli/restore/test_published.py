"""The stream of domain events is read to what is there now, whatever pages it is answered in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cli.restore.published import Streams

SINCE = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
Page = tuple[list[bytes], int, bool]


class Kinesis:
    """By shard, its pages: data, how far behind, and whether another page follows."""

    def __init__(self, **shards: list[Page]) -> None:
        self.shards = shards

    def get_paginator(self, operation: str) -> Kinesis:
        assert operation == "list_shards"
        return self

    def paginate(self, *, StreamName: str) -> list[dict[str, Any]]:  # noqa: N803
        assert StreamName == "events"
        return [{"Shards": [{"ShardId": each}]} for each in self.shards]

    def get_shard_iterator(self, *, ShardId: str, **words: Any) -> dict[str, str]:  # noqa: N803
        assert words == {"StreamName": "events", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": SINCE}
        return {"ShardIterator": f"{ShardId} 0"}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        shard, number = ShardIterator.split()
        data, behind, more = self.shards[shard][int(number)]
        following = {"NextShardIterator": f"{shard} {int(number) + 1}"} if more else {}
        return {"Records": [{"Data": each} for each in data], "MillisBehindLatest": behind, **following}


def test_an_empty_answer_is_no_end_while_the_shard_is_behind() -> None:
    """Kinesis answers without records between those that are there."""
    pages: list[Page] = [([], 9, True), ([b"1\n2\n"], 5, True), ([], 5, True), ([b"3\n"], 0, True), ([], 0, True)]
    assert list(Streams(Kinesis(one=pages), "events").lines(SINCE)) == [b"1", b"2", b"3"]


def test_a_closed_shard_ends_and_the_next_one_is_read() -> None:
    kinesis = Kinesis(parent=[([b"1\n"], 0, False)], child=[([b"2\n"], 0, True), ([], 0, True)])
    assert list(Streams(kinesis, "events").lines(SINCE)) == [b"1", b"2"]
