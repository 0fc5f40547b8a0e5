"""Reads commands from records of the commands table's stream, and makes such records from rows.

Source of the record format: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"; binary values arrive
as base64 text, and a SequenceNumber is a number written as text.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.inbox import table

StreamRecord: TypeAlias = Mapping[str, Any]

_MALFORMED = (LookupError, TypeError, ValueError, AttributeError)


class MalformedRecordError(Exception):
    """A stream record does not hold the row of a command. The message names what is wrong, never a value."""


class CommandKey(Struct, frozen=True, order=True):
    """What identifies a command."""

    account_id: str
    command_id: str


class CommandRow(Struct, frozen=True):
    """A command as it was stored: `body` is what the client sent; `actor` is who sent it."""

    key: CommandKey
    body: bytes
    submitted_at: datetime
    correlation_id: str
    actor: str


def is_new_command(record: StreamRecord) -> bool:
    """Whether the record inserts a new command. A command's end is an update, and a row without a status no command."""
    change = record.get("dynamodb") or {}
    status = (change.get("NewImage") or {}).get(table.STATUS, {}).get("S")
    return record.get("eventName") == "INSERT" and status == table.PENDING


def key_of(record: StreamRecord) -> CommandKey:
    """The command that a record is about. Raises MalformedRecordError."""
    try:
        keys = record["dynamodb"]["Keys"]
        return CommandKey(str(keys[table.HASH_KEY]["S"]), str(keys[table.RANGE_KEY]["S"]))
    except _MALFORMED as error:
        raise MalformedRecordError(f"the record has no keys of a command: {type(error).__name__}") from None


def sequence_of(record: StreamRecord) -> int:
    """The record's place in its shard. Raises MalformedRecordError."""
    try:
        return int(record["dynamodb"]["SequenceNumber"])
    except _MALFORMED as error:
        raise MalformedRecordError(f"the record has no sequence number: {type(error).__name__}") from None


def row_of(record: StreamRecord) -> CommandRow:
    """The row that was stored. Raises MalformedRecordError."""
    key = key_of(record)
    image = record["dynamodb"].get("NewImage") or {}
    return CommandRow(
        key=key,
        body=_attribute(image, table.BODY, "B", lambda text: base64.b64decode(text, validate=True)),
        submitted_at=_attribute(image, table.SUBMITTED_AT, "S", _aware),
        correlation_id=_attribute(image, table.CORRELATION_ID, "S", str),
        actor=_attribute(image, table.ACTOR, "S", str),
    )


def correlation_of(record: StreamRecord) -> str | UnsetType:
    """The correlation id of a stored command; UNSET when the record has none."""
    image = record["dynamodb"].get("NewImage")
    value = image.get(table.CORRELATION_ID) if isinstance(image, Mapping) else None
    text = value.get("S") if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else UNSET


def insert_record(item: Mapping[str, Mapping[str, Any]], sequence: int = 1) -> StreamRecord:
    """The INSERT record of a row, made again from its item in the low-level client's format, for a redrive."""
    names = (table.BODY, table.SUBMITTED_AT, table.CORRELATION_ID, table.ACTOR, table.HASH_KEY, table.RANGE_KEY)
    image: dict[str, Mapping[str, Any]] = {name: _as_text(item[name]) for name in names if name in item}
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {name: image[name] for name in (table.HASH_KEY, table.RANGE_KEY)},
            "NewImage": image | {table.STATUS: {"S": table.PENDING}},
            "SequenceNumber": str(sequence),
        },
    }


def _attribute(image: Mapping[str, Any], name: str, kind: str, read: Any) -> Any:
    try:
        return read(image[name][kind])
    except _MALFORMED as error:
        raise MalformedRecordError(f"{name} is missing, or not as documented: {type(error).__name__}") from None


def _aware(text: str) -> datetime:
    moment = parse_timestamp(text)
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return moment


def _as_text(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"B": base64.b64encode(bytes(value["B"])).decode()} if "B" in value else value
