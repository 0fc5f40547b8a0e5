"""The data of the store: event rows, receipts and ends of stored commands, encoded, and the commit that adds them.

Rows and receipts hold only text, numbers and bytes, and a commit only such values. None can be part of a cycle, so the
garbage collector need not track them (`gc=False`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One row of the event table: one event, and on some rows the folded state after it (the snapshot).

    `data`, `metadata` and `state` are JSON text; timestamps are as `format_timestamp` writes them; `hash` is
    32 bytes (see `chain`).
    """

    stream_id: str
    version: int
    commit_id: str
    type: str
    schema: int
    data: str
    metadata: str
    occurred_at: str
    recorded_at: str
    hash: bytes
    state: str | None = None
    state_schema: int | None = None


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The stored answer to a request with an idempotency key.

    `scope` and `key` identify it, `request_hash` is SHA-256 over the request, `version` the version of the
    first stream after it, `response` opaque text, `expires_at` seconds since the epoch.
    """

    scope: str
    key: str
    request_hash: bytes
    commit_id: str
    version: int
    response: str
    expires_at: int


class Completion(msgspec.Struct, frozen=True):
    """The end state of a stored command, written only while the command is still pending and as `expected`.

    `scope` and `key` identify the command. `attributes` (text and numbers) are added to its row. `expected` holds what
    its row must say, text or bytes by attribute name; None: the row must not have the attribute.
    """

    scope: str
    key: str
    commit_id: str
    status: str
    attributes: Mapping[str, str | int]
    expected: Mapping[str, str | bytes | None]


class Commit(msgspec.Struct, frozen=True, gc=False):
    """What one command adds, all or nothing: rows of one or more streams, and optionally a receipt.

    Or what a run of stored commands adds: the rows of all of them, and the end state of each.

    `made_at` (seconds since the epoch) decides whether an existing receipt is still live.
    """

    commit_id: str
    rows: tuple[EventRow, ...]
    receipt: Receipt | None = None
    completions: tuple[Completion, ...] = ()
    made_at: int = 0


class Metadata(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who and what caused an event. `causation_id` is left out when it is the command itself.

    `keyed`: a receipt was put in the same commit. Only so can be told, after a restore, that one is gone.
    """

    command_id: str
    correlation_id: str
    actor: str
    causation_id: str | msgspec.UnsetType = msgspec.UNSET
    keyed: bool = False
