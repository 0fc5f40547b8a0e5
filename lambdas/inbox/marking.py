"""Marks commands FAILED after Lambda wrote their batch to the dead-letter bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec
from botocore.exceptions import ClientError
from msgspec import UNSET, UnsetType

from lambdas.contracts.problems import PROCESSING_FAILED
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify, failed_items
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.reasons import reason_of
from lambdas.inbox.stream_records import CommandKey, MalformedRecordError, StreamRecord, correlation_of, key_of
from lambdas.service.problems import problem


class DynamoDBClient(Protocol):
    """The method of boto3's low-level DynamoDB client that is used here."""

    def update_item(self, **kwargs: Any) -> Mapping[str, Any]: ...


class FailureMarker:
    """Marks commands FAILED after their last retry. A command that has ended is never changed."""

    def __init__(self, client: DynamoDBClient, commands_table: str, *, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._table = commands_table
        self._clock = clock

    def mark(self, key: CommandKey, correlation_id: str | UnsetType = UNSET) -> bool:
        """True if the row says FAILED now, False if the command ended otherwise or does not exist. Idempotent.

        The row keeps the day of its first failure until the command ends, so that a redrive of that day finds it.
        Raises ClientError, BotoCoreError.
        """
        try:
            self._client.update_item(**self._request(key, correlation_id))
        except ClientError as error:
            if classify(error) is not Fault.CONDITION:
                raise
            ((_, item),) = failed_items(error)
            return item is not None and item.get(table.STATUS, {}).get("S") == table.FAILED
        return True

    def _request(self, key: CommandKey, correlation_id: str | UnsetType) -> dict[str, Any]:
        now = format_timestamp(self._clock())
        text = msgspec.json.encode(problem(PROCESSING_FAILED, correlation_id)).decode()
        return {
            "TableName": self._table,
            "Key": {table.HASH_KEY: {"S": key.account_id}, table.RANGE_KEY: {"S": key.command_id}},
            "UpdateExpression": "SET #status = :failed, #problem = :problem, #completed_at = :now,"
            " #failed_on = if_not_exists(#failed_on, :today)",
            "ConditionExpression": "#status = :pending",
            "ExpressionAttributeNames": {
                "#status": table.STATUS,
                "#problem": table.PROBLEM,
                "#completed_at": table.COMPLETED_AT,
                "#failed_on": table.FAILED_ON,
            },
            "ExpressionAttributeValues": {
                ":failed": {"S": table.FAILED},
                ":pending": {"S": table.PENDING},
                ":problem": {"S": text},
                ":now": {"S": now},
                ":today": {"S": now[:10]},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ReturnConsumedCapacity": "TOTAL",
        }


class GivenUp(msgspec.Struct, frozen=True):
    """A command whose row says FAILED now; `correlation_id` is empty when the stream record has none."""

    account_id: str
    command_id: str
    correlation_id: str


class Marked(msgspec.Struct, frozen=True):
    """The commands whose rows say FAILED now, and the reasons why others could not be marked."""

    failed: list[GivenUp]
    unmarked: list[str]


def mark_all(marker: FailureMarker, records: Iterable[StreamRecord]) -> Marked:
    """Mark the commands of these records. One that cannot be marked does not stop the others."""
    marked = Marked([], [])
    for record in records:
        try:
            key, correlation_id = key_of(record), correlation_of(record)
            if marker.mark(key, correlation_id):
                marked.failed.append(GivenUp(key.account_id, key.command_id, correlation_id or ""))
        except (MalformedRecordError, *FAILURES) as error:
            marked.unmarked.append(reason_of(error))
    return marked
