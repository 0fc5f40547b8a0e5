"""Event rows without a store: one of every stored sample, and the stream records that DynamoDB makes of rows."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.rows import EventRow

SAMPLES = Path(__file__).resolve().parents[1] / "unit" / "accounts" / "samples" / "events"
ACCOUNT = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"


def account_id(number: int) -> str:
    """A UUID of its own for each number."""
    return f"00000000-0000-4000-8000-{number:012x}"


def stored_events() -> dict[str, str]:
    """`<type>.v<schema>`, maybe with a variant after it, to the stored text."""
    return {path.stem: path.read_text(encoding="utf-8").rstrip("\n") for path in SAMPLES.iterdir()}


def row(
    version: int, *, stream_id: str = ACCOUNT, kind: str = "BalanceCredited", schema: int = 1, data: str | None = None
) -> EventRow:
    """A row; without `data`, 250 EUR are credited."""
    return EventRow(
        stream_id=stream_id,
        version=version,
        commit_id=f"commit-{version}",
        type=kind,
        schema=schema,
        data=data or '{"amount":250,"currency":"EUR","reference":"invoice 4711"}',
        metadata=f'{{"command_id":"command-{version}","correlation_id":"order-17","actor":"tester"}}',
        occurred_at="2026-03-01T09:29:59.000Z",
        recorded_at="2026-03-01T09:30:00.250Z",
        hash=bytes(32),
    )


@cache
def credited(version: int, stream_id: str = ACCOUNT) -> EventRow:
    """A row with a credit, in the chain of a history of nothing else."""
    previous = GENESIS
    for earlier in range(1, version):  # from the first on: so no call goes deep
        previous = credited(earlier, stream_id).hash
    return follow(previous, row(version, stream_id=stream_id))


def follow(previous: bytes, of: EventRow) -> EventRow:
    """The row with the hash that it has after another."""
    return replace(of, hash=row_hash(previous, of))


def chained(rows: Iterable[EventRow]) -> list[EventRow]:
    """The rows with the hashes of their chains. What stands before a stream's first one, unless that is version 1, is
    the row that `credited` makes.
    """
    newest: dict[str, EventRow] = {}
    result = []
    for each in rows:
        before = newest.get(each.stream_id)
        if before is None or before.version != each.version - 1:
            before = credited(each.version - 1, each.stream_id) if each.version > 1 else None
        newest[each.stream_id] = follow(before.hash if before else GENESIS, each)
        result.append(newest[each.stream_id])
    return result


def row_of(sample: str) -> EventRow:
    """Version 1 with a stored sample."""
    kind, schema = sample.split(".")[:2]
    return row(1, kind=kind, schema=int(schema[1:]), data=stored_events()[sample])


def stream_record(of: EventRow, change: str = "INSERT") -> dict[str, Any]:
    """The record of a row in the table's stream, as Lambda hands it over."""
    image = {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in row_to_item(of).items()
    }
    keys = {name: image[name] for name in ("stream_id", "version")}
    return {
        "eventID": f"{of.stream_id}-{of.version}",
        "eventName": change,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": str(of.version), "SizeBytes": 400},
    }


def stream_records(rows: Iterable[EventRow]) -> list[dict[str, Any]]:
    """The records of rows."""
    return [stream_record(each) for each in rows]
