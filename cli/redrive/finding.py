"""Finds commands to redrive: failed on a day, in the dead-letter (parking) bucket, or PENDING for too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from cli.redrive.inbox import Clients, Inbox
from cli.storage.parked import GoneError, ParkingBucket
from cli.storage.table_scan import Page, scan
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.parked_objects import PREFIX, ParkedObjectError, parked_batch
from lambdas.inbox.stream_records import CommandKey, key_of

_NONE = "holds no commands that can be read"


class ParkedObject(msgspec.Struct, frozen=True):
    """The commands in an object of the parking bucket. `problems` say what else it holds, or that it holds none."""

    name: str
    keys: list[CommandKey]
    problems: list[str]

    @property
    def readable(self) -> bool:
        """Whether it holds commands and nothing else."""
        return not self.problems


def failed_on(clients: Clients, inbox: Inbox, day: str) -> list[CommandKey]:
    """Commands that first failed on a day (YYYY-MM-DD) and have not ended since. Raises ClientError, BotoCoreError."""
    pages = clients.dynamodb.get_paginator("query").paginate(
        TableName=inbox.commands_table,
        IndexName=table.FAILED_INDEX,
        KeyConditionExpression="#day = :day",
        ExpressionAttributeNames={"#day": table.FAILED_ON},
        ExpressionAttributeValues={":day": {"S": day}},
        ReturnConsumedCapacity="TOTAL",
    )
    return _keys(pages)


def stream_began(clients: Clients, inbox: Inbox) -> datetime:
    """Since when the commands table has its stream. Raises ClientError, BotoCoreError.

    Source: DynamoDB API Reference, "TableDescription", LatestStreamLabel: an ISO 8601 time.
    """
    described = clients.dynamodb.describe_table(TableName=inbox.commands_table)["Table"]
    return datetime.fromisoformat(described["LatestStreamLabel"]).replace(tzinfo=UTC)


def pending_before(clients: Clients, inbox: Inbox, moment: datetime) -> list[CommandKey]:
    """Commands submitted before a moment that are still PENDING. Reads the whole table.

    A Scan is charged for all that it reads, bodies included. Raises ClientError, BotoCoreError.
    """
    request: Mapping[str, Any] = {
        "TableName": inbox.commands_table,
        "FilterExpression": "#status = :pending AND #submitted_at < :moment",
        "ProjectionExpression": "#account, #command",
        "ExpressionAttributeNames": {
            "#status": table.STATUS,
            "#submitted_at": table.SUBMITTED_AT,
            "#account": table.HASH_KEY,
            "#command": table.RANGE_KEY,
        },
        "ExpressionAttributeValues": {":pending": {"S": table.PENDING}, ":moment": {"S": format_timestamp(moment)}},
    }
    return [key for part in scan(clients.dynamodb, request, _keys) for key in part]


def parked(clients: Clients, inbox: Inbox, prefix: str = PREFIX) -> list[ParkedObject]:
    """The objects of the parking bucket below a prefix, without those that are deleted meanwhile.

    Raises UnavailableError.
    """
    bucket, found = ParkingBucket(clients.s3, inbox.command_parking_bucket), []
    for key in bucket.keys(prefix):
        with suppress(GoneError):
            found.append(_parked(key, bucket.read(key)))
    return found


def delete(clients: Clients, inbox: Inbox, parked: ParkedObject) -> None:
    """Delete an object; the bucket keeps it as a noncurrent version for a while. Raises UnavailableError."""
    ParkingBucket(clients.s3, inbox.command_parking_bucket).delete(parked.name)


def _parked(name: str, content: bytes) -> ParkedObject:
    try:
        batch = parked_batch(content)
    except ParkedObjectError:
        return ParkedObject(name, [], [_NONE])
    keys = [key_of(record) for record in batch.commands]
    unreadable = [f"holds what cannot be read: {each}" for each in batch.malformed]
    return ParkedObject(name, keys, unreadable or ([] if keys else [_NONE]))


def _keys(pages: Iterable[Page]) -> list[CommandKey]:
    return [
        CommandKey(item[table.HASH_KEY]["S"], item[table.RANGE_KEY]["S"]) for page in pages for item in page["Items"]
    ]
