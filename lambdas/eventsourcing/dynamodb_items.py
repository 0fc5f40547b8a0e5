"""Converts event rows, receipts and completions to and from DynamoDB items of the low-level client."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any

import msgspec

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.rows import Completion, EventRow, Receipt

Item = dict[str, dict[str, Any]]

_TYPES = {
    schema.EVENT_TABLE_HASH_KEY: "S",
    schema.EVENT_TABLE_RANGE_KEY: "N",
    "commit_id": "S",
    "type": "S",
    "schema": "N",
    "data": "S",
    "metadata": "S",
    "occurred_at": "S",
    "recorded_at": "S",
    "hash": "B",
    "state": "S",
    "state_schema": "N",
}
_NUMBER_LIMIT = 2**63
_OPTIONAL = {"state", "state_schema"}
_REQUIRED = frozenset(_TYPES) - _OPTIONAL


class InboxTable(msgspec.Struct, frozen=True):
    """The table of stored commands: its name, key and status attributes, and the status of a pending command.

    A completion removes the attributes `cleared`, and adds its commit's id as `commit_id`.
    """

    name: str
    hash_key: str
    range_key: str
    status_attribute: str
    pending: str
    cleared: tuple[str, ...] = ()


def row_to_item(row: EventRow) -> Item:
    """The item of a row; an absent snapshot leaves its attributes out."""
    item: Item = {
        schema.EVENT_TABLE_HASH_KEY: {"S": row.stream_id},
        schema.EVENT_TABLE_RANGE_KEY: {"N": str(row.version)},
        "commit_id": {"S": row.commit_id},
        "type": {"S": row.type},
        "schema": {"N": str(row.schema)},
        "data": {"S": row.data},
        "metadata": {"S": row.metadata},
        "occurred_at": {"S": row.occurred_at},
        "recorded_at": {"S": row.recorded_at},
        "hash": {"B": row.hash},
    }
    if row.state is not None:
        item["state"] = {"S": row.state}
        item["state_schema"] = {"N": str(row.state_schema)}
    return item


def item_to_row(item: Mapping[str, Mapping[str, Any]]) -> EventRow:
    """The row of an item. Raises CorruptRowError for a missing, unknown or wrongly typed attribute."""
    stream_id = str(item[schema.EVENT_TABLE_HASH_KEY]["S"])
    version = _version(item[schema.EVENT_TABLE_RANGE_KEY]["N"], stream_id)
    if not item.keys() >= _REQUIRED:
        raise CorruptRowError(stream_id, version, f"no attribute {min(_REQUIRED - item.keys())}")
    values: dict[str, Any] = {}
    for name, value in item.items():
        kind = _TYPES.get(name)
        if kind is None or kind not in value:
            raise CorruptRowError(stream_id, version, f"unexpected attribute or type: {name}")
        values[name] = _number(value["N"], stream_id, version, name) if kind == "N" else value[kind]
    if ("state" in values) != ("state_schema" in values):
        raise CorruptRowError(stream_id, version, "a snapshot needs both state and state_schema")
    return EventRow(**values)


def _version(text: str, stream_id: str) -> int:
    """The range key. The error for a number that is not whole names the next whole version."""
    version = _whole(text)
    if version is None:
        place = max(Decimal(-_NUMBER_LIMIT), min(Decimal(_NUMBER_LIMIT), Decimal(text)))
        raise CorruptRowError(stream_id, ceil(place), f"its version is not a whole number: {text}")
    return version


def _number(text: str, stream_id: str, version: int, name: str) -> int:
    number = _whole(text)
    if number is None:
        raise CorruptRowError(stream_id, version, f"{name} is not a whole number: {text}")
    return number


def _whole(text: str) -> int | None:
    """None for a fraction, and for what is out of the range of 64 bits."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if -_NUMBER_LIMIT < number < _NUMBER_LIMIT else None


def receipt_to_item(receipt: Receipt) -> Item:
    """The item of a receipt."""
    return {
        schema.RECEIPT_TABLE_HASH_KEY: {"S": receipt.scope},
        schema.RECEIPT_TABLE_RANGE_KEY: {"S": receipt.key},
        "commit_id": {"S": receipt.commit_id},
        "request_hash": {"B": receipt.request_hash},
        "version": {"N": str(receipt.version)},
        "response": {"S": receipt.response},
        schema.RECEIPT_TABLE_TTL: {"N": str(receipt.expires_at)},
    }


def item_to_receipt(item: Mapping[str, Mapping[str, Any]]) -> Receipt:
    """The receipt of an item."""
    return Receipt(
        scope=item[schema.RECEIPT_TABLE_HASH_KEY]["S"],
        key=item[schema.RECEIPT_TABLE_RANGE_KEY]["S"],
        request_hash=bytes(item["request_hash"]["B"]),
        commit_id=item["commit_id"]["S"],
        version=int(item["version"]["N"]),
        response=item["response"]["S"],
        expires_at=int(item[schema.RECEIPT_TABLE_TTL]["N"]),
    )


def completion_values(completion: Completion) -> Item:
    """The attributes of a completion by name: text as S, whole numbers as N."""
    return {name: _value(value) for name, value in completion.attributes.items()}


def expected_values(completion: Completion) -> dict[str, dict[str, Any] | None]:
    """What the row of a command must hold, by name; None: it must not have the attribute."""
    return {name: None if value is None else _value(value) for name, value in completion.expected.items()}


def is_as_expected(item: Mapping[str, Mapping[str, Any]], completion: Completion) -> bool:
    """Whether the row of a command holds what the completion expects."""
    return all(item.get(name) == value for name, value in expected_values(completion).items())


def _value(value: str | bytes | int) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"B": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
