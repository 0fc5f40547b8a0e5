"""Rows of the event table as auditors read them: as they are stored, as many as one answer holds."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

import msgspec

from lambdas.contracts import http as shapes
from lambdas.eventsourcing.reader import older_than
from lambdas.eventsourcing.rows import EventRow
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.replies import Reply, json_reply
from lambdas.httpapi.requests import positive_integer

MOST_BYTES: Final = 5_000_000
"""Of the rows in one answer. A function may answer 6 MB, of which the body is a text in JSON: each quotation mark of a
row's `data` is four characters there. One row always fits: DynamoDB holds 400 KB of it. Source: Lambda Developer Guide,
"Lambda quotas" (invocation payload)."""

_encode = msgspec.json.Encoder().encode


def read_before(text: str) -> int:
    """The version below which rows are asked for. Raises InvalidRequestError."""
    before = positive_integer("before", text)
    if before == 1:
        raise InvalidRequestError("before", "must be 2 or more: version 1 is the first")
    return before


def rows_reply(rows: Sequence[EventRow]) -> Reply:
    """200 with the first of these rows, newest first, as many as fit."""
    shown: list[shapes.Row] = []
    size = 0
    for document in map(row_document, rows):
        size += len(json.dumps(_encode(document).decode()))
        if shown and size > MOST_BYTES:
            break
        shown.append(document)
    return json_reply(200, shapes.Rows(shown, older_than(rows[: len(shown)])))


def row_document(row: EventRow) -> shapes.Row:
    """All twelve elements of a row."""
    return shapes.Row(
        stream_id=row.stream_id,
        version=row.version,
        commit_id=row.commit_id,
        type=row.type,
        schema=row.schema,
        data=row.data,
        metadata=row.metadata,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        state=row.state,
        state_schema=row.state_schema,
        hash=b64encode(row.hash).decode(),
    )
