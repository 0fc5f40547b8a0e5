"""The hash chain over the rows of a stream.

    hash(n) = SHA-256(MessagePack([hash(n − 1), stream_id, version, commit_id, type, schema, data, metadata,
                                   occurred_at, recorded_at, state, state_schema]))

hash(0) is 32 zero bytes. The array has these twelve elements in this order: hashes are `bin`, texts `str` (UTF-8),
numbers integers, an absent snapshot's two elements `nil`; each in its shortest form, as MessagePack libraries write it.
Texts and bytes carry their length, so two different rows never give the same bytes.

A hash covers every attribute of its row, the row's place and its predecessor. So a row that was changed, inserted,
removed or moved shows, unless whoever did it recomputed the hashes from there to the end: no secret is needed for that.
By itself the chain does not show a history that was recomputed to its end, rows removed at the end, or a whole stream
removed. What shows them is a copy of the hashes elsewhere: each row's is published (`rowhash`), so consumers and the
lake hold it. Source of the encoding: the MessagePack specification (2013), https://github.com/msgpack/msgpack.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from lambdas.eventsourcing.rows import EventRow

GENESIS = bytes(32)
"""The hash before version 1."""

Chained = tuple[bytes, str, int, str, str, int, str, str, str, str, str | None, int | None]
"""What a hash covers: the array above."""

_encode = msgspec.msgpack.Encoder().encode


def chain_hash(fields: Chained) -> bytes:
    """The hash of a row from its parts."""
    return sha256(_encode(fields)).digest()


def row_hash(previous: bytes, row: EventRow) -> bytes:
    """The hash a row must carry after `previous`; the row's own `hash` is not read."""
    return chain_hash((
        previous, row.stream_id, row.version, row.commit_id, row.type, row.schema, row.data, row.metadata,
        row.occurred_at, row.recorded_at, row.state, row.state_schema,
    ))  # fmt: skip
