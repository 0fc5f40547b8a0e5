"""Lambda's event source mapping on a stream of DynamoDB or of Kinesis, simulated by what AWS documents of it.

- One batch of a shard at a time (ParallelizationFactor 1), in the stream's order, filtered before the function is
  invoked; a batch that fails is tried again, and nothing behind it is read meanwhile.
- With BisectBatchOnFunctionError a failed batch is split in two, and the halves are tried one after the other.
  "Splitting batches doesn't consume the retry quota": it is spent on batches that cannot be split any more. What is
  not documented is how the tries of a half relate to those of the whole; here each half starts with the tries left.
- A batch is discarded when its tries have reached MaximumRetryAttempts + 1, or when its oldest record is older than
  MaximumRecordAgeInSeconds; then the records go to the destination, and the mapping goes on.
- An S3 destination gets one object for each discarded batch, with the whole event as `payload`.

Sources: AWS Lambda Developer Guide, "Retain discarded records for a DynamoDB event source in Lambda" and "Retain
discarded batch records for a Kinesis Data Streams event source in Lambda" (conditions, quota, the invocation record and
its key), "Lambda parameters for Amazon DynamoDB event source mappings", the same for Kinesis, "How Lambda processes
records from stream and queue-based event sources".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.clocks import SimulatedTime

Record = dict[str, Any]
MAPPING = "4e9f6f5c-2f0c-4f2e-9a39-0f7f6f0f2f10"
STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/commands/stream/2026-03-01T00:00:00.000"
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "MaxRecordAgeExceeded"
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a batch is tried again; AWS says only that it backs off."""


def object_key(shard: str, moment: datetime) -> str:
    """`aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>`."""
    return f"aws/lambda/{MAPPING}/{shard}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def invocation_record(
    records: Sequence[Record], shard: str, tries: int, moment: datetime, condition: str = EXHAUSTED
) -> bytes:
    """What the destination gets; `payload` is the text of the whole event."""
    kinesis = "kinesis" in records[0]
    numbers = [_sequence_number(record) for record in records]
    arrivals = [_arrival(record) for record in records]
    document = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": "arn:aws:lambda:eu-central-1:000000000000:function:processor:live",
            "condition": condition,
            "approximateInvokeCount": tries,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.000Z}",
        "KinesisBatchInfo" if kinesis else "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "approximateArrivalOfFirstRecord": f"{min(arrivals):%Y-%m-%dT%H:%M:%SZ}",
            "approximateArrivalOfLastRecord": f"{max(arrivals):%Y-%m-%dT%H:%M:%SZ}",
            "batchSize": len(records),
            "streamArn": records[0].get("eventSourceARN", STREAM),
        },
        "payload": json.dumps({"Records": list(records)}),
    }
    return json.dumps(document).encode()


@dataclass
class EventSourceMapping:
    """One shard's mapping. `invoke` raises when the function fails; `park` takes the key and content of an object."""

    invoke: Callable[[list[Record]], None]
    park: Callable[[str, bytes], None]
    time: SimulatedTime
    batch_size: int = 100
    retries: int = 2
    max_age_seconds: float = 20 * 3600.0
    shard: str = "shardId-00000001573689847184-864758bb"
    invocations: list[int] = field(default_factory=list)
    """The sizes of the batches that the function was invoked with."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Bring a shard's records to the function, or to the destination, in order."""
        for start in range(0, len(records), self.batch_size):
            self._batch(list(records[start : start + self.batch_size]), tries=0)

    def _batch(self, records: list[Record], tries: int) -> None:
        while True:
            if self._age(records) > self.max_age_seconds:
                return self._discard(records, tries, TOO_OLD)
            if self._succeeds(records):
                return None
            if len(records) > 1:
                middle = len(records) // 2
                self._batch(records[:middle], tries)
                return self._batch(records[middle:], tries)
            if tries == self.retries:
                return self._discard(records, tries + 1, EXHAUSTED)
            self.time.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    def _succeeds(self, records: list[Record]) -> bool:
        self.invocations.append(len(records))
        try:
            self.invoke(records)
        except Exception:  # noqa: BLE001 - whatever a function raises is a function error
            return False
        return True

    def _age(self, records: Sequence[Record]) -> float:
        return (self.time.wall() - min(_arrival(record) for record in records)).total_seconds()

    def _discard(self, records: list[Record], tries: int, condition: str) -> None:
        moment = self.time.wall()
        self.park(object_key(self.shard, moment), invocation_record(records, self.shard, tries, moment, condition))


def _sequence_number(record: Record) -> str:
    number = record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["dynamodb"]["SequenceNumber"]
    return str(number)


def _arrival(record: Record) -> datetime:
    if "kinesis" in record:
        return datetime.fromtimestamp(record["kinesis"]["approximateArrivalTimestamp"], UTC)
    return datetime.fromtimestamp(record["dynamodb"]["ApproximateCreationDateTime"], UTC)
