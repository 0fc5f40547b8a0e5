"""Reads a batch of the event table's stream: lines to publish by account, rows to park, rows that were tampered with.

Source of the record format: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"; binary values arrive
as base64 text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from lambdas.contracts.domain_events import NotPublishableError, domain_event, encode_domain_event
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.rows import EventRow

StreamRecord: TypeAlias = Mapping[str, Any]
UNREADABLE = "unreadable"

_MAX_NAME = 400
_MALFORMED = (NotPublishableError, CorruptRowError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Line(msgspec.Struct, frozen=True):
    """A domain event ready to be sent, with its line end."""

    version: int
    text: bytes
    record: StreamRecord


class Unpublishable(msgspec.Struct, frozen=True):
    """A poison message: a record that cannot become a domain event. Without keys, both names are `unreadable`."""

    stream_id: str
    version: str
    reason: str
    record: StreamRecord

    @property
    def name(self) -> str:
        """`<stream_id>/<version>`, safe as a path; a record without keys is named by the hash of its content."""
        if UNREADABLE in (self.stream_id, self.version):
            return f"{UNREADABLE}/{sha256(_encode(self.record)).hexdigest()}"
        stream = quote(self.stream_id, safe="")
        if len(stream) > _MAX_NAME:
            stream = sha256(self.stream_id.encode()).hexdigest()
        return f"{stream}/{quote(self.version, safe='')}"


class Tampering(msgspec.Struct, frozen=True):
    """A row of the append-only table was changed or removed: `change` is MODIFY or REMOVE."""

    stream_id: str
    version: str
    change: str


class Batch(msgspec.Struct, frozen=True):
    """The content of a batch. `lines` are by account, sorted by version, each version once."""

    lines: dict[str, list[Line]]
    unpublishable: list[Unpublishable]
    tamperings: list[Tampering]


def read_batch(records: Iterable[StreamRecord]) -> Batch:
    """Read a batch. A malformed record never raises; it is returned as `unpublishable`."""
    lines: dict[str, dict[int, Line]] = {}
    batch = Batch({}, [], [])
    for record in records:
        stream_id, version = _keys(record)
        change = record.get("eventName")
        if change in ("MODIFY", "REMOVE"):
            batch.tamperings.append(Tampering(stream_id, version, change))
            continue
        try:
            row = row_of(record)
            line = Line(row.version, encode_domain_event(domain_event(row)) + b"\n", record)
        except _MALFORMED as error:
            batch.unpublishable.append(Unpublishable(stream_id, version, _reason(error), record))
        else:
            lines.setdefault(row.stream_id, {})[row.version] = line
    for account_id, by_version in lines.items():
        batch.lines[account_id] = [by_version[version] for version in sorted(by_version)]
    return batch


def row_of(record: StreamRecord) -> EventRow:
    """The row of an INSERT record. Raises one of several errors for any other record."""
    if record["eventName"] != "INSERT":
        raise ValueError(f"unknown kind of change: {record['eventName']}")
    image = record["dynamodb"]["NewImage"]
    return item_to_row({name: _value(value) for name, value in image.items()})


def _value(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"B": base64.b64decode(value["B"], validate=True)} if "B" in value else value


def _keys(record: StreamRecord) -> tuple[str, str]:
    try:
        change = record["dynamodb"]
        keys = change.get("Keys") or change["NewImage"]
        return str(keys[EVENT_TABLE_HASH_KEY]["S"]), str(keys[EVENT_TABLE_RANGE_KEY]["N"])
    except (LookupError, TypeError, AttributeError):
        return UNREADABLE, UNREADABLE


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, NotPublishableError | CorruptRowError) else repr(error)
