"""Read the running local system's domain events from Kinesis through the consumer of docs/consumers.md, and count them.

It reads each shard from its beginning to what is there now, keeps nothing, and starts anew each time. An account that
it cannot go on with is stopped until it is restored; the others go on. What a restore revoked does not count.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3

from docs.examples.consumer import RESTORED, Consumer, ForkError
from lambdas.contracts.domain_events import NotPublishableError
from lambdas.contracts.event_reader import open_reader
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError

STOPS = (ForkError, NotPublishableError, CorruptRowError, InconsistentReadError)
"""What stops one account until it is repaired. Anything else ends the script."""


def main(environment_file: str = ".local/environment.json") -> int:
    """Print how many events of each type there are, and what stopped an account. The exit status: 1 if one stopped."""
    place = json.loads(Path(environment_file).read_text(encoding="utf-8"))
    os.environ |= {  # the emulator takes any credentials
        "AWS_ENDPOINT_URL": place["aws_endpoint_url"],
        "AWS_REGION": place["region"],
        "AWS_DEFAULT_REGION": place["region"],
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    its_records = records(boto3.client("kinesis"), place["domain_event_stream"])
    types, stopped, accounts = follow(its_records, open_reader(place["event_table"]))
    for name, count in sorted(types.items()):
        print(f"{count:6} {name}")
    print(f"{sum(types.values()):6} events of {accounts} accounts")
    for account, why in stopped.items():
        print(f"stopped {account}: {why}")
    return 1 if stopped else 0


def follow(given: Iterable[tuple[str, bytes]], reader: Any) -> tuple[Counter[str], dict[str, str], int]:
    """How many documents of each type there are, the accounts that had to stop and why, and the number of accounts."""
    applied: dict[str, list[str]] = {}
    stopped: dict[str, str] = {}

    def apply(event: dict[str, Any]) -> None:
        mine = applied.setdefault(event["subject"], [])
        if event["type"] == RESTORED:
            del mine[event["data"]["last_good_version"] :]
        else:
            mine.append(event["type"])

    consumer = Consumer(apply, reader, {}, {})
    for account, record in given:
        if account in stopped and not any(json.loads(line)["type"] == RESTORED for line in record.splitlines()):
            continue
        try:
            consumer.take(record)
            stopped.pop(account, None)
        except STOPS as error:
            stopped[account] = str(error)
    types = Counter(each for mine in applied.values() for each in mine)
    return types + consumer.skipped, stopped, len(consumer.last)


def records(kinesis: Any, stream: str) -> Iterator[tuple[str, bytes]]:
    """All records of a stream and their accounts, shard by shard, until a shard is behind by nothing."""
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        where: str | None = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while where:
            answer = kinesis.get_records(ShardIterator=where)
            yield from ((record["PartitionKey"], record["Data"]) for record in answer["Records"])
            where = answer.get("NextShardIterator") if answer["Records"] or answer["MillisBehindLatest"] else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
