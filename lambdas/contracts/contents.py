"""The digest of all that is published of an event, as the view `event_digests` makes it of the lake's columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec

from lambdas.contracts.domain_events import DomainEvent
from lambdas.contracts.lake import DATA_FIELDS, LAKE_COLUMNS
from lambdas.eventsourcing.timestamps import parse_timestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def digest_of(event: DomainEvent[Any]) -> bytes:
    """SHA-256 over every column, and every field of `data`, a line each."""
    return sha256("\n".join(_lines(msgspec.to_builtins(event))).encode()).digest()


def digest_text(event: DomainEvent[Any]) -> str:
    """The digest as the view writes it: in hexadecimal, in upper case."""
    return _written(digest_of(event))


def digest_of_run(digests: Iterable[bytes]) -> str:
    """SHA-256 over the digests of events in order, as the query `recorded_versions` writes it."""
    return _written(sha256("".join(map(_written, digests)).encode()).digest())


def _written(digest: bytes) -> str:
    return digest.hex().upper()


def _lines(attributes: dict[str, Any]) -> Iterator[str]:
    data = attributes.pop("data")
    for column in LAKE_COLUMNS:
        if column.name == "data":
            yield from (_line(data.get(name), kind) for name, kind in DATA_FIELDS.items())
        else:
            yield _line(attributes.get(column.name), column.type)


def _line(value: Any, kind: str) -> str:
    if value is None:
        return ""
    return f"={(parse_timestamp(value) - _EPOCH) // _MILLISECOND}" if kind == "timestamp" else f"={value}"
