"""Marks commands FAILED after Lambda wrote their batch to the dead-letter bucket."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from lambdas.contracts.problems import PROCESSING_FAILED
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify, failed_items
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.reasons import reason_of
from lambdas.inbox.stream_records import (
    MalformedRecordError,
    StreamRecord,
    correlation_of,
    key_of,
    told_attributes,
)
from lambdas.inbox.updates import UpdatingClient, update_row
from lambdas.service.problems import problem


class Mark(enum.Enum):
    """What the row of a command says after it was to be marked."""

    FAILED = "it says FAILED"
    ENDED = "the command had ended otherwise"
    DIFFERS = "the stored command is not the one in the record"
    MISSING = "no such command is stored"


class FailureMarker:
    """Marks commands FAILED after their last retry. A command that has ended is never changed."""

    def __init__(
        self,
        client: UpdatingClient,
        commands_table: str,
        *,
        clock: Callable[[], datetime],
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._backoff = backoff or Backoff()
        self._table = commands_table
        self._clock = clock

    def mark(self, record: StreamRecord) -> Mark:
        """Mark the command of a record, unless its row says something else than the record. Idempotent.

        The row keeps the day of its first failure until the command ends, so that a redrive of that day finds it.
        Raises MalformedRecordError, ClientError, BotoCoreError.
        """
        told = told_attributes(record)
        try:
            update_row(self._client, self._request(record, told), self._backoff)
        except ClientError as error:
            if classify(error) is not Fault.CONDITION:
                raise
            ((_, item),) = failed_items(error)
            return _standing(item, told)
        return Mark.FAILED

    def _request(self, record: StreamRecord, told: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
        key, now = key_of(record), format_timestamp(self._clock())
        text = msgspec.json.encode(problem(PROCESSING_FAILED, correlation_of(record))).decode()
        numbered = list(enumerate(told.items()))
        conditions = [
            f"attribute_not_exists(#e{n})" if value is None else f"#e{n} = :e{n}" for n, (_, value) in numbered
        ]
        return {
            "TableName": self._table,
            "Key": {table.HASH_KEY: {"S": key.account_id}, table.RANGE_KEY: {"S": key.command_id}},
            "UpdateExpression": "SET #status = :failed, #problem = :problem, #completed_at = :now,"
            " #failed_on = if_not_exists(#failed_on, :today)",
            "ConditionExpression": " AND ".join(["#status = :pending", *conditions]),
            "ExpressionAttributeNames": {
                "#status": table.STATUS,
                "#problem": table.PROBLEM,
                "#completed_at": table.COMPLETED_AT,
                "#failed_on": table.FAILED_ON,
                **{f"#e{n}": name for n, (name, _) in numbered},
            },
            "ExpressionAttributeValues": {
                ":failed": {"S": table.FAILED},
                ":pending": {"S": table.PENDING},
                ":problem": {"S": text},
                ":now": {"S": now},
                ":today": {"S": now[:10]},
                **{f":e{n}": value for n, (_, value) in numbered if value is not None},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ReturnConsumedCapacity": "TOTAL",
        }


def _standing(item: Mapping[str, Any] | None, told: Mapping[str, Mapping[str, Any] | None]) -> Mark:
    """What became of a command that could not be marked, by its row."""
    if item is None or table.STATUS not in item:
        return Mark.MISSING
    if any(item.get(name) != value for name, value in told.items()):
        return Mark.DIFFERS
    return Mark.FAILED if item[table.STATUS] == {"S": table.FAILED} else Mark.ENDED


class GivenUp(msgspec.Struct, frozen=True):
    """A command in the dead-letter bucket; `correlation_id` is empty when the stream record has none."""

    account_id: str
    command_id: str
    correlation_id: str


class Marked(msgspec.Struct, frozen=True):
    """The commands whose rows say FAILED now, those stored with another content than their records tell, and the
    reasons why others could not be marked."""

    failed: list[GivenUp]
    differing: list[GivenUp]
    unmarked: list[str]


def mark_all(marker: FailureMarker, records: Iterable[StreamRecord]) -> Marked:
    """Mark the commands of these records. One that cannot be marked does not stop the others."""
    marked = Marked([], [], [])
    lists = {Mark.FAILED: marked.failed, Mark.DIFFERS: marked.differing}
    for record in records:
        try:
            key, mark = key_of(record), marker.mark(record)
            if mark in lists:
                lists[mark].append(GivenUp(key.account_id, key.command_id, correlation_of(record) or ""))
        except (MalformedRecordError, *FAILURES) as error:
            marked.unmarked.append(reason_of(error))
    return marked
