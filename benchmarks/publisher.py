"""Events per CPU second of the publisher in one thread, and the number of records in its calls to Kinesis.

A batch is a parsed event of Lambda: rows with a snapshot and binary hashes, in the stream's form. Kinesis acknowledges
everything at once, so this measures the function's own work: reading, checking, upcasting, encoding, packing.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any
from uuid import UUID

from benchmarks.report import Row, at_least
from lambdas.accounts.commands import CreditAccount, OpenAccount
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.parking import ParkingPlace
from lambdas.publishing.publisher import Published, Publisher
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER

BATCH = 1_000
ROUNDS = 5
BATCHES = 5
FULL_CALL = 450
FULL_CALL_WAITING = 500
"""The budget: at least this many of 500 records in a call, while at least 500 accounts wait."""

_ACKNOWLEDGED = {"SequenceNumber": "1", "ShardId": "0"}
_REFUSED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
_CONTEXT = CommandContext(command_id=str(UUID(int=1)), correlation_id="benchmark-17", actor="benchmark")


class _Kinesis:
    """Acknowledges everything, except one record in `refusals` at its first attempt. Counts each call's records."""

    def __init__(self, refusals: int = 0) -> None:
        self.calls: list[int] = []
        self._refusals = refusals
        self._refused: set[str] = set()

    def put_records(self, **request: Any) -> Mapping[str, Any]:
        names = [each["PartitionKey"] for each in request["Records"]]
        self.calls.append(len(names))
        refused = set(names[:: self._refusals]) - self._refused if self._refusals else set()
        self._refused |= refused
        results = [_REFUSED if name in refused else _ACKNOWLEDGED for name in names]
        return {"FailedRecordCount": len(refused), "Records": results}


class _Bucket:
    def put_object(self, **_: Any) -> Mapping[str, Any]:
        raise RuntimeError("a row of the benchmark cannot be published")


def history(accounts: int, events: int) -> list[EventRow]:
    """Rows as the service writes them, with `events` events of each account."""
    store = InMemoryEventStore()
    service = AccountService(Repository(store, ACCOUNT_DECIDER), clock=utc_now)
    rows: list[EventRow] = []
    for number in range(accounts):
        account_id = str(UUID(int=number))
        service.execute(OpenAccount(currency="EUR"), account_id, _CONTEXT)
        for _ in range(events - 1):
            service.execute(CreditAccount(amount=100, reference="invoice 4711"), account_id, _CONTEXT)
        rows.extend(store.read(account_id, deadline=Deadline()).rows)
    return rows


def _record(row: EventRow) -> dict[str, Any]:
    image = row_to_item(row)
    image["hash"] = {"B": base64.b64encode(row.hash).decode()}
    keys = {name: image[name] for name in ("stream_id", "version")}
    return {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": "1"}}


def _publish(kinesis: _Kinesis, records: Sequence[dict[str, Any]]) -> Published:
    publisher = Publisher(KinesisSender(kinesis, stream="s"), ParkingPlace(_Bucket, bucket="b"))
    published = publisher.publish(records, Deadline(), Deadline())
    if not published.complete or published.sent.events != len(records):
        raise RuntimeError("the batch was not published")
    return published


def _full_calls(kinesis: _Kinesis, records: Sequence[dict[str, Any]]) -> list[int]:
    """Publish a batch; returns the number of records in each call made while at least 500 accounts waited."""
    _publish(kinesis, records)
    accounts = len({each["dynamodb"]["Keys"]["stream_id"]["S"] for each in records})
    untried = (accounts - before for before in accumulate(kinesis.calls, initial=0))
    return [size for size, waiting in zip(kinesis.calls, untried, strict=False) if waiting >= FULL_CALL_WAITING]


def _rate(records: Sequence[dict[str, Any]]) -> float:
    """Events per CPU second, the best of several rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(BATCHES):
            _publish(_Kinesis(), records)
        best = max(best, BATCHES * len(records) / (time.process_time() - start))
    return best


def measure() -> Iterator[Row]:
    """Yield the rows. The budget is for the records in a call while at least 500 accounts wait."""
    group = "publisher, in process"
    many = [_record(row) for row in history(BATCH, 1)]
    hot = [_record(row) for row in history(1, BATCH)]
    yield Row(group=group, name=f"{BATCH:,} accounts in a batch", value=_rate(many), unit="events/CPU s")
    yield Row(group=group, name="one hot account", value=_rate(hot), unit="events/CPU s")
    fullness = min(_full_calls(_Kinesis(), many) + _full_calls(_Kinesis(refusals=10), many))
    budget, met = at_least(fullness, FULL_CALL)
    yield Row(
        group=group, name="records in the emptiest call", value=fullness, unit="of 500", budget=budget, met=met,
        note="while at least 500 accounts wait; also when one record in ten is refused",
    )  # fmt: skip
    kinesis = _Kinesis()
    _publish(kinesis, hot)
    yield Row(
        group=group, name="events in a record, one hot account", value=BATCH / sum(kinesis.calls), unit="events",
        note=f"{len(kinesis.calls)} call for {BATCH:,} events",
    )  # fmt: skip
