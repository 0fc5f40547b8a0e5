"""Reads a batch of the event table's stream: lines to publish by account, rows to park, changed and removed rows.

Source of the record format: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"; binary values arrive
as base64 text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec

from lambdas.contracts.domain_events import NotPublishableError, domain_event, encode_domain_event
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.rows import EventRow
from lambdas.publishing.chain_check import ChainCheck, Inserted, StreamRecord

UNREADABLE = "unreadable"

_MAX_NAME = 400
MALFORMED = (NotPublishableError, CorruptRowError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What `row_of` and `domain_event` raise for a record that is not what it should be."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Line(msgspec.Struct, frozen=True):
    """A domain event ready to be sent, with its line end. The correlation id is for the log."""

    version: int
    text: bytes
    record: StreamRecord
    correlation_id: str = ""


class Unpublishable(msgspec.Struct, frozen=True):
    """A record that becomes no domain event: a poison message, or one that is `tampered` with.

    Without keys, both names are `unreadable`.
    """

    stream_id: str
    version: str
    reason: str
    record: StreamRecord
    tampered: bool = False

    @property
    def name(self) -> str:
        """`<stream_id>/<version>`, safe as a path; a record without keys is named by the hash of its content.

        One that is tampered with has that hash in its name, too: it must not replace the genuine one, nor another.
        """
        content = sha256(encoded(self.record)).hexdigest()
        if UNREADABLE in (self.stream_id, self.version):
            return f"{UNREADABLE}/{content}"
        stream = quote(self.stream_id, safe="")
        if len(stream) > _MAX_NAME:
            stream = sha256(self.stream_id.encode()).hexdigest()
        return f"{stream}/{quote(self.version, safe='')}{f'.tampered-{content[:16]}' if self.tampered else ''}"


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


def read_batch(records: Iterable[StreamRecord], chain: ChainCheck) -> Batch:
    """Read a batch. A malformed record never raises; it is returned as `unpublishable`, and so is a forged one."""
    inserted: dict[str, dict[int, list[Inserted]]] = {}
    batch = Batch({}, [], [])
    for record in records:
        stream_id, version = keys_of(record)
        change = record.get("eventName") if isinstance(record, Mapping) else None
        if change in ("MODIFY", "REMOVE"):
            batch.tamperings.append(Tampering(stream_id, version, change))
            continue
        try:
            row = row_of(record)
        except MALFORMED as error:
            batch.unpublishable.append(Unpublishable(stream_id, version, _reason(error), record))
        else:
            inserted.setdefault(row.stream_id, {}).setdefault(row.version, []).append(Inserted(row, record))
    for account_id, versions in inserted.items():
        taken, refused = chain.check(versions)
        batch.unpublishable.extend(
            Unpublishable(account_id, str(each.inserted.row.version), each.reason, each.inserted.record, tampered=True)
            for each in refused
        )
        if lines := _lines(taken, batch):
            batch.lines[account_id] = lines
    return batch


def _lines(taken: Iterable[Inserted], batch: Batch) -> list[Line]:
    lines = []
    for each in taken:
        row = each.row
        try:
            event = domain_event(row)
            lines.append(Line(row.version, encode_domain_event(event) + b"\n", each.record, event.correlationid))
        except MALFORMED as error:
            poison = Unpublishable(row.stream_id, str(row.version), _reason(error), each.record)
            batch.unpublishable.append(poison)
    return lines


def row_of(record: StreamRecord) -> EventRow:
    """The row of an INSERT record. Raises one of several errors for any other record."""
    if record["eventName"] != "INSERT":
        raise ValueError(f"unknown kind of change: {record['eventName']}")
    image = record["dynamodb"]["NewImage"]
    row = item_to_row({name: _value(value) for name, value in image.items()})
    if (row.stream_id, str(row.version)) != keys_of(record):
        raise ValueError("its keys are not those of its row")
    return row


def _value(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "B" in value:
        return {"B": base64.b64decode(value["B"], validate=True)}
    if "S" in value:
        _check_text(value["S"])
    return value


def _check_text(text: Any) -> None:
    """JSON can tell of half a surrogate pair, which is no text: neither hashes nor documents can hold it."""
    try:
        text.encode()
    except (UnicodeEncodeError, AttributeError) as error:
        raise ValueError(f"an attribute is no text: {type(error).__name__}") from None


def keys_of(record: StreamRecord) -> tuple[str, str]:
    """The account and the version that a record is about, as text; both are `unreadable` if it does not say."""
    try:
        change = record["dynamodb"]
        keys = change.get("Keys") or change["NewImage"]
        found = str(keys[EVENT_TABLE_HASH_KEY]["S"]), str(keys[EVENT_TABLE_RANGE_KEY]["N"])
        _check_text("".join(found))
    except (LookupError, TypeError, AttributeError, ValueError):
        return UNREADABLE, UNREADABLE
    return found


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, NotPublishableError | CorruptRowError) else repr(error)
    return text.encode(errors="backslashreplace").decode()


def encoded(document: Any) -> bytes:
    """JSON, also of a text with half a surrogate pair: that is escaped as it came."""
    try:
        return _encode(document)
    except UnicodeEncodeError:
        return json.dumps(document, sort_keys=True).encode()
