"""The lake's table of revocations: one Parquet file for each restore, which says what it revoked of which account.

The views leave out what it names (`analytics/views/delivered_events.sql`). ADR 23 says why it is a table of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from lambdas.contracts.lake import REVOCATION_COLUMNS, REVOCATIONS_PREFIX, Revocation
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp

_TYPES: Final = {"string": "VARCHAR", "bigint": "BIGINT", "timestamp": "TIMESTAMP_MS"}
"""Glue's types as DuckDB's: Athena's timestamps have milliseconds."""


def revocations_key(generation: int) -> str:
    """The key of the file of the restore that made this generation."""
    return f"{REVOCATIONS_PREFIX}generation-{generation}.parquet"


def revocations_file(revoked: Sequence[Revocation]) -> bytes:
    """The rows as a Parquet file."""
    columns = ", ".join(f"{each.name} {_TYPES[each.type]}" for each in REVOCATION_COLUMNS)
    marks = ", ".join("?" for _ in REVOCATION_COLUMNS)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "revocations.parquet"
        connection.execute(f"CREATE TABLE revocations ({columns})")
        if revoked:
            connection.executemany(f"INSERT INTO revocations VALUES ({marks})", [_values(each) for each in revoked])  # noqa: S608
        connection.table("revocations").write_parquet(str(path), compression="snappy")
        return path.read_bytes()


def _values(revoked: Revocation) -> list[object]:
    return [
        parse_timestamp(value).replace(tzinfo=None) if column.type == "timestamp" else value
        for column, value in zip(REVOCATION_COLUMNS, msgspec.structs.astuple(revoked), strict=True)
    ]


def read_revocations(content: bytes) -> list[Revocation]:
    """The rows of such a file."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "revocations.parquet"
        path.write_bytes(content)
        names = [column.name for column in REVOCATION_COLUMNS]
        rows = connection.execute(f"SELECT {', '.join(names)} FROM read_parquet(?)", [str(path)]).fetchall()  # noqa: S608
    return [msgspec.convert(dict(zip(names, map(_text, row), strict=True)), Revocation) for row in rows]


def _text(value: object) -> object:
    return format_timestamp(value.replace(tzinfo=UTC)) if isinstance(value, datetime) else value
