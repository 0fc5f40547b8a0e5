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
from lambdas.service.derived_ids import effect_id

StreamRecord: TypeAlias = Mapping[str, Any]

TOLD = (table.BODY, table.ACTOR, table.SUBMITTED_AT, table.CORRELATION_ID)
"""What makes the content of a command: a record that tells it otherwise than the row is not carried out."""

_MALFORMED = (LookupError, TypeError, ValueError, AttributeError)


class MalformedRecordError(Exception):
    """A stream record does not hold the row of a command. The message names what is wrong, never a value."""


class CommandKey(Struct, frozen=True, order=True):
    """What identifies a command."""

    account_id: str
    command_id: str


class CommandRow(Struct, frozen=True):
    """A command as a record tells it: `body` is what the client sent; `actor` is who sent it.

    `expected` holds the same as it must stand in the table: whoever may invoke the processor can tell it anything.
    """

    key: CommandKey
    body: bytes
    submitted_at: datetime
    correlation_id: str
    actor: str
    expected: Mapping[str, str | bytes | None]


def is_new_command(record: StreamRecord) -> bool:
    """Whether the record inserts a new command. A command's end is an update, and a row without a status no command.

    Raises MalformedRecordError if that cannot be told.
    """
    try:
        if record.get("eventName") != "INSERT":
            return False
        change = record.get("dynamodb") or {}
        status = (change.get("NewImage") or {}).get(table.STATUS, {}).get("S")
    except _MALFORMED as error:
        raise MalformedRecordError(f"the record cannot be told to be a command's: {type(error).__name__}") from None
    return bool(status == table.PENDING)


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
    """The row that a record tells. Raises MalformedRecordError.

    A row without a correlation id, which the gateway never writes, gets one that follows from its key.
    """
    key, told = key_of(record), told_attributes(record)
    body = _value(told, table.BODY, "B")
    submitted_at, actor = _value(told, table.SUBMITTED_AT, "S"), _value(told, table.ACTOR, "S")
    correlated = told[table.CORRELATION_ID] is not None
    correlation_id = _value(told, table.CORRELATION_ID, "S") if correlated else None
    return CommandRow(
        key=key,
        body=body,
        submitted_at=_aware(submitted_at),
        correlation_id=correlation_id or effect_id(key.account_id, key.command_id),
        actor=actor,
        expected={
            table.BODY: body,
            table.ACTOR: actor,
            table.SUBMITTED_AT: submitted_at,
            table.CORRELATION_ID: correlation_id,
        },
    )


def told_attributes(record: StreamRecord) -> dict[str, dict[str, Any] | None]:
    """What a record tells of body, actor, submission time and correlation id, as the low-level client writes values.

    None: it tells nothing of that attribute. Texts are as they are, not read and written anew. Raises
    MalformedRecordError.
    """
    try:
        image = record["dynamodb"]["NewImage"]
        return {name: _as_item(image[name]) if name in image else None for name in TOLD}
    except _MALFORMED as error:
        raise MalformedRecordError(f"an attribute is not as documented: {type(error).__name__}") from None


def correlation_of(record: StreamRecord) -> str | UnsetType:
    """The correlation id of a stored command; UNSET when the record has none."""
    image = record["dynamodb"].get("NewImage")
    value = image.get(table.CORRELATION_ID) if isinstance(image, Mapping) else None
    text = value.get("S") if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else UNSET


def insert_record(item: Mapping[str, Mapping[str, Any]], sequence: int = 1) -> StreamRecord:
    """The INSERT record of a row, made again from its item in the low-level client's format, for a redrive."""
    names = (*TOLD, table.HASH_KEY, table.RANGE_KEY)
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


def _value(told: Mapping[str, Mapping[str, Any] | None], name: str, kind: str) -> Any:
    try:
        return (told[name] or {})[kind]
    except _MALFORMED as error:
        raise MalformedRecordError(f"{name} is missing, or not as documented: {type(error).__name__}") from None


def _aware(text: str) -> datetime:
    try:
        moment = parse_timestamp(text)
    except ValueError:
        raise MalformedRecordError(f"{table.SUBMITTED_AT} is no timestamp") from None
    if moment.tzinfo is None:
        raise MalformedRecordError(f"{table.SUBMITTED_AT} has no time zone")
    return moment


def _as_item(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value of the stream as the low-level client writes it. Raises ValueError, TypeError, binascii.Error."""
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64decode(content, validate=True)}
    if kind == "S" and not isinstance(content, str):
        raise TypeError(kind)
    return {kind: content}


def _as_text(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"B": base64.b64encode(bytes(value["B"])).decode()} if "B" in value else value
