"""Sends records to Kinesis in order per account, even when part of a call fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.publishing.packing import Limits, Packed, Queue, heads, next_call

MAX_FRUITLESS_PASSES = 8


class KinesisClient(Protocol):
    """The method of boto3's low-level Kinesis client that is used here. The client must not retry by itself."""

    def put_records(self, **kwargs: Any) -> Mapping[str, Any]: ...


class Sent(msgspec.Struct):
    """The result of sending: events acknowledged, calls made, records in them, and the reason of the last failure."""

    events: int = 0
    calls: int = 0
    records: int = 0
    failure: str = ""
    unsent: Sequence[str] = ()
    """Accounts with records that Kinesis has not acknowledged."""
    delivered: list[Packed] = []
    """The records that it has acknowledged, in that order."""


class KinesisSender:
    """Sends queues of records. An account's next record is sent only after Kinesis acknowledged the one before.

    An account whose record failed is retried after all others are sent and a random pause. Records that are not
    acknowledged after several passes without progress, or at the deadline, are reported, never skipped. A call with
    an unknown outcome is sent again, so delivery is at least once: consumers drop repeated ids.
    """

    def __init__(
        self,
        client: KinesisClient,
        *,
        stream: str,
        backoff: Backoff | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._client = client
        self._stream = stream
        self._backoff = backoff or Backoff()
        self._limits = limits or Limits()

    @property
    def limits(self) -> Limits:
        """The limits of a record and of a call."""
        return self._limits

    def send(self, queues: Iterable[Queue], deadline: Deadline) -> Sent:
        """Send all records until the deadline; `Sent.unsent` names the accounts that are left."""
        sent = Sent()
        waiting, fruitless = list(queues), 0
        while waiting and fruitless < MAX_FRUITLESS_PASSES and deadline.allows_attempt():
            before = sent.events
            waiting = self._pass(waiting, deadline, sent)
            fruitless = 0 if sent.events > before else fruitless + 1
            if waiting:
                self._backoff.pause(max(fruitless, 1))
        sent.unsent = [queue.account_id for queue in waiting]
        if waiting:
            sent.failure = sent.failure or "no time is left"
        return sent

    def _pass(self, queues: Sequence[Queue], deadline: Deadline, sent: Sent) -> list[Queue]:
        """Send each account's records up to its first failure. Returns the queues that still hold records."""
        going = deque(queues)
        failed: list[Queue] = []
        while going and deadline.allows_attempt():
            call = next_call(going, self._limits)
            for queue, accepted in zip(call, self._put(heads(call), sent), strict=True):
                if not accepted:
                    failed.append(queue)
                    continue
                record = queue.records.popleft()
                sent.events += record.events
                sent.delivered.append(record)
                if queue.records:
                    going.append(queue)
        return [*failed, *going]

    def _put(self, records: Sequence[Packed], sent: Sent) -> list[bool]:
        """One call; for each record, whether it was acknowledged.

        An answer that does not say of each record what became of it acknowledges none. Source: Amazon Kinesis Data
        Streams API Reference, PutRecords; FailedRecordCount is at least 1 there, so none is 0.
        """
        sent.calls += 1
        sent.records += len(records)
        entries = [{"Data": record.data, "PartitionKey": record.account_id} for record in records]
        try:
            answer = self._client.put_records(StreamName=self._stream, Records=entries)
        except FAILURES as error:
            sent.failure = str(error)
            return [False] * len(records)
        results = answer.get("Records", [])
        refused = [result for result in results if result.get("ErrorCode")]
        if (
            len(results) != len(records)
            or answer.get("FailedRecordCount", 0) != len(refused)
            or any("SequenceNumber" not in result for result in results if not result.get("ErrorCode"))
        ):
            sent.failure = f"what came back is no answer to {len(records)} records"
            return [False] * len(records)
        if refused:
            sent.failure = f"{refused[-1]['ErrorCode']}: {refused[-1].get('ErrorMessage', '')}"
        return [not result.get("ErrorCode") for result in results]
