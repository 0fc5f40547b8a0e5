"""Which commands to redrive: those that failed on a day, or those that were parked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.redrive_target import Clients, Inbox
from lambdas.commands import table
from lambdas.processing.parked_objects import PREFIX, ParkedObjectError, read_parked
from lambdas.processing.stream_records import CommandKey, MalformedRecordError, key_of


def failed_on(clients: Clients, inbox: Inbox, day: str) -> list[CommandKey]:
    """Commands that first failed on a day (YYYY-MM-DD) and have not ended since. Raises ClientError, BotoCoreError."""
    request: dict[str, Any] = {
        "TableName": inbox.commands_table,
        "IndexName": table.FAILED_INDEX,
        "KeyConditionExpression": "#day = :day",
        "ExpressionAttributeNames": {"#day": table.FAILED_ON},
        "ExpressionAttributeValues": {":day": {"S": day}},
    }
    found = []
    while True:
        page = clients.dynamodb.query(**request)
        found += [CommandKey(item[table.HASH_KEY]["S"], item[table.RANGE_KEY]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def parked(clients: Clients, inbox: Inbox, prefix: str = PREFIX) -> tuple[list[CommandKey], list[str]]:
    """The commands in parked objects, and the names of objects that hold what cannot be read.

    Raises ClientError, BotoCoreError.
    """
    found: dict[CommandKey, None] = {}
    unreadable = []
    for name in _objects(clients.s3, inbox.command_parking_bucket, prefix):
        try:
            for record in read_parked(clients.s3, inbox.command_parking_bucket, name):
                found[key_of(record)] = None
        except (ParkedObjectError, MalformedRecordError):
            unreadable.append(name)
    return list(found), unreadable


def _objects(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            yield each["Key"]
