"""Read the running local system's domain events from Kinesis through the consumer of docs/consumers.md, and count them.

It reads each shard from its beginning to what is there now, keeps nothing, and starts anew each time.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from docs.examples.consumer import Consumer
from lambdas.contracts.event_reader import open_reader


def main(environment_file: str = ".local/environment.json") -> None:
    """Print how many events of each type there are."""
    place = json.loads(Path(environment_file).read_text(encoding="utf-8"))
    os.environ |= {  # the emulator takes any credentials
        "AWS_ENDPOINT_URL": place["aws_endpoint_url"],
        "AWS_REGION": place["region"],
        "AWS_DEFAULT_REGION": place["region"],
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    types: Counter[str] = Counter()
    consumer = Consumer(lambda event: types.update([event["type"]]), open_reader(place["event_table"]), {})
    for record in records(boto3.client("kinesis"), place["domain_event_stream"]):
        consumer.take(record)
    for name, count in sorted(types.items()):
        print(f"{count:6} {name}")
    print(f"{sum(types.values()):6} events of {len(consumer.last)} accounts")


def records(kinesis: Any, stream: str) -> Iterator[bytes]:
    """All records of a stream, shard by shard, until a shard is behind by nothing."""
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        where: str | None = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while where:
            answer = kinesis.get_records(ShardIterator=where)
            yield from (record["Data"] for record in answer["Records"])
            where = answer.get("NextShardIterator") if answer["Records"] or answer["MillisBehindLatest"] else None


if __name__ == "__main__":
    main(*sys.argv[1:])
