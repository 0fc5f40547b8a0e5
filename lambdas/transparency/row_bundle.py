"""Rows of an account with the proof of the last one, as a file that is checked offline (`.daybook-rows`).

JSON Lines. The first line is the head; each further one is a row with what its hash covers, and the hash (`chain`). A
row's hash covers the hash before it, so the proof of the last row commits to all of them; whether the log holds the
same for the earlier ones is asked of the log.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lambdas.eventsourcing.rows import EventRow

FORMAT: Final = "daybook-rows/v1"
SUFFIX: Final = ".daybook-rows"


class BundleHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `previous` is the hash before the first row, `proof` the tlog-proof of the last row."""

    format: str = FORMAT
    account_id: str
    previous: bytes
    proof: str


class BundleRow(msgspec.Struct, frozen=True, gc=False):
    """A row: all of its elements, in the order in which its hash takes them. Bytes are written as Base64."""

    stream_id: str
    version: int
    commit_id: str
    type: str
    schema: int
    data: str
    metadata: str
    occurred_at: str
    recorded_at: str
    state: str | None
    state_schema: int | None
    hash: bytes


def head_line(account_id: str, previous: bytes, proof: bytes) -> bytes:
    """The first line of a file, with its line end."""
    return _line(BundleHead(account_id=account_id, previous=previous, proof=proof.decode()))


def row_line(row: EventRow) -> bytes:
    """The line of a row, with its line end."""
    return _line(BundleRow(**{name: getattr(row, name) for name in BundleRow.__struct_fields__}))


def _line(content: msgspec.Struct) -> bytes:
    return msgspec.json.encode(content) + b"\n"
