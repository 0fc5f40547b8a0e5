"""The hash chain over the rows of a stream.

    hash(n) = SHA-256( field(hash(n − 1)) ‖ field(stream_id) ‖ field(version) ‖ field(commit_id) ‖ field(type)
                       ‖ field(schema) ‖ field(data) ‖ field(metadata) ‖ field(occurred_at) ‖ field(recorded_at)
                       ‖ field(state) ‖ field(state_schema) )

    field(x)  = length of x in bytes as 4 bytes, big-endian ‖ x        field(absent) = FF FF FF FF
    hash(0)   = 32 zero bytes; text is UTF-8; numbers are decimal ASCII digits.

Any attribute of any row, its place and its predecessor are covered. Removing rows at the end is not detectable from
the rows alone.
"""

from __future__ import annotations

from hashlib import sha256

from lambdas.eventsourcing.rows import EventRow

GENESIS = bytes(32)
"""The hash before version 1."""

_ABSENT = b"\xff\xff\xff\xff"


def row_hash(previous: bytes, row: EventRow) -> bytes:
    """The hash a row must carry after `previous`; the row's own `hash` is not read."""
    parts: list[bytes] = []
    for value in (
        previous,
        row.stream_id.encode(),
        b"%d" % row.version,
        row.commit_id.encode(),
        row.type.encode(),
        b"%d" % row.schema,
        row.data.encode(),
        row.metadata.encode(),
        row.occurred_at.encode(),
        row.recorded_at.encode(),
    ):
        parts.append(len(value).to_bytes(4, "big"))
        parts.append(value)
    parts.append(_ABSENT if row.state is None else _field(row.state.encode()))
    parts.append(_ABSENT if row.state_schema is None else _field(b"%d" % row.state_schema))
    return sha256(b"".join(parts)).digest()


def _field(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value
