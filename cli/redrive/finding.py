"""Which commands to redrive: those that failed on a day, that were parked, or that have been pending for too long."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec

from cli.redrive.inbox import Clients, Inbox
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.parked_objects import PREFIX, ParkedObjectError, read_parked
from lambdas.inbox.stream_records import CommandKey, MalformedRecordError, key_of

SEGMENTS = 4
"""Of the commands table, scanned side by side."""


class ParkedObject(msgspec.Struct, frozen=True):
    """The commands in an object of the parking bucket; not `readable` if it holds anything else, or none."""

    name: str
    keys: list[CommandKey]
    readable: bool


def failed_on(clients: Clients, inbox: Inbox, day: str) -> list[CommandKey]:
    """Commands that first failed on a day (YYYY-MM-DD) and have not ended since. Raises ClientError, BotoCoreError."""
    request: dict[str, Any] = {
        "TableName": inbox.commands_table,
        "IndexName": table.FAILED_INDEX,
        "KeyConditionExpression": "#day = :day",
        "ExpressionAttributeNames": {"#day": table.FAILED_ON},
        "ExpressionAttributeValues": {":day": {"S": day}},
    }
    return _all(clients.dynamodb.query, request)


def pending_before(clients: Clients, inbox: Inbox, moment: datetime) -> list[CommandKey]:
    """Commands submitted before a moment that are pending now, found by reading the whole table.

    A Scan is charged for all that it reads, bodies included. Raises ClientError, BotoCoreError.
    """
    request: dict[str, Any] = {
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
        "TotalSegments": SEGMENTS,
    }
    with ThreadPoolExecutor(SEGMENTS) as pool:
        parts = pool.map(lambda number: _all(clients.dynamodb.scan, request | {"Segment": number}), range(SEGMENTS))
        return [key for part in parts for key in part]


def parked(clients: Clients, inbox: Inbox, prefix: str = PREFIX) -> list[ParkedObject]:
    """What lies in the parking bucket below a prefix. Raises ClientError, BotoCoreError."""
    return [
        _parked(clients.s3, inbox.command_parking_bucket, name)
        for name in _objects(clients.s3, inbox.command_parking_bucket, prefix)
    ]


def delete(clients: Clients, inbox: Inbox, parked: ParkedObject) -> None:
    """Remove an object; the bucket keeps it as a replaced version for a while. Raises ClientError, BotoCoreError."""
    clients.s3.delete_object(Bucket=inbox.command_parking_bucket, Key=parked.name)


def _parked(s3: Any, bucket: str, name: str) -> ParkedObject:
    keys: list[CommandKey] = []
    try:
        keys.extend(key_of(record) for record in read_parked(s3, bucket, name))
    except (ParkedObjectError, MalformedRecordError):
        return ParkedObject(name, keys, readable=False)
    return ParkedObject(name, keys, readable=bool(keys))


def _all(read: Any, request: dict[str, Any]) -> list[CommandKey]:
    """The keys on all pages of a Query or a Scan."""
    found = []
    while True:
        page = read(**request)
        found += [CommandKey(item[table.HASH_KEY]["S"], item[table.RANGE_KEY]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _objects(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            yield each["Key"]
