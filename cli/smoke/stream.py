"""Finds one event of an account in the stream of domain events.

A record's shard is the one whose range of hash keys holds the MD5 of its partition key, the account's id. Source:
Kinesis Data Streams Developer Guide, "Partition key", and API reference, `HashKeyRange`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from cli.smoke.refusals import Use, using
from lambdas.smoke.steps import StepFailedError

PATIENCE_SECONDS: Final = 60.0
BEFORE: Final = timedelta(minutes=1)
"""How much earlier than its booking time the search for an event begins: clocks differ."""

_POLL_SECONDS = 0.5  # a shard takes five readings a second from all its readers


class StreamWatch:
    """Reads the shards of one account."""

    def __init__(
        self,
        kinesis: Any,
        stream: str,
        *,
        use: Use,
        patience: float = PATIENCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._use = use
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep

    def find(self, account_id: str, version: int, booked: datetime) -> dict[str, Any]:
        """The event of that version. Raises StepFailedError when it does not come in time."""
        what = f"version {version} of {account_id} was looked for in the stream {self._stream}"
        deadline = self._monotonic() + self._patience
        with using(self._use, what):
            places = list(self._iterators(account_id, booked - BEFORE))
            while True:
                for number, place in enumerate(places):
                    if place is None:
                        continue
                    answer = self._kinesis.get_records(ShardIterator=place)
                    places[number] = answer.get("NextShardIterator")
                    for event in _events(answer["Records"], account_id):
                        if event.get("streamversion") == version:
                            return event
                if self._monotonic() > deadline:
                    raise StepFailedError(
                        what,
                        f"it did not come within {self._patience:.0f} seconds",
                        "the publisher: its alarms, its log, and its dead-letter bucket (output ParkingBucketName)",
                    )
                self._sleep(_POLL_SECONDS)

    def _iterators(self, account_id: str, since: datetime) -> Iterator[str | None]:
        """A place to begin in each shard that has held the account: a shard that was split is older than its parts."""
        key = int.from_bytes(hashlib.md5(account_id.encode(), usedforsecurity=False).digest())
        request: dict[str, Any] = {"StreamName": self._stream}
        while True:
            answer = self._kinesis.list_shards(**request)
            for shard in answer["Shards"]:
                held = shard["HashKeyRange"]
                if int(held["StartingHashKey"]) <= key <= int(held["EndingHashKey"]):
                    yield self._kinesis.get_shard_iterator(
                        StreamName=self._stream,
                        ShardId=shard["ShardId"],
                        ShardIteratorType="AT_TIMESTAMP",
                        Timestamp=since,
                    )["ShardIterator"]
            if "NextToken" not in answer:
                return
            request = {"NextToken": answer["NextToken"]}


def _events(records: list[dict[str, Any]], account_id: str) -> Iterator[dict[str, Any]]:
    """The events of an account; a record holds one or more, a line each."""
    for record in records:
        if record["PartitionKey"] == account_id:
            for line in record["Data"].splitlines():
                yield json.loads(line)
