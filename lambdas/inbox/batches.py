"""Groups a batch of the commands table's stream by account."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from lambdas.inbox.stream_records import (
    MalformedRecordError,
    StreamRecord,
    is_new_command,
    key_of,
    sequence_of,
)


class Batch(Struct, frozen=True):
    """New commands by account, in the order stored; `unreadable` says what is wrong with each malformed record."""

    accounts: dict[str, list[StreamRecord]]
    unreadable: list[str]


def read_batch(records: Iterable[StreamRecord]) -> Batch:
    """Group new commands by account and sort them by sequence number; leave everything else out."""
    placed: dict[str, list[tuple[int, StreamRecord]]] = {}
    unreadable = []
    for record in records:
        if not is_new_command(record):
            continue
        try:
            placed.setdefault(key_of(record).account_id, []).append((sequence_of(record), record))
        except MalformedRecordError as error:
            unreadable.append(str(error))
    return Batch({account: _in_order(each) for account, each in placed.items()}, unreadable)


def _in_order(placed: list[tuple[int, StreamRecord]]) -> list[StreamRecord]:
    return [record for _, record in sorted(placed, key=lambda each: each[0])]
