"""Packs lines into Kinesis records, and records into PutRecords calls.

One call holds at most one record of an account, since PutRecords promises no order among a call's records; a record
may hold several consecutive events of its account, a line each.

Source of the limits: Amazon Kinesis Data Streams API Reference, "PutRecords" (500 records; 1 MiB a record and 5 MiB a
call, partition keys included).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lambdas.publishing.stream_records import Line, Unpublishable

MAX_RECORD_BYTES = 1024 * 1024
MAX_CALL_BYTES = 5 * 1024 * 1024
MAX_CALL_RECORDS = 500


class Limits(msgspec.Struct, frozen=True):
    """The limits of a record (bytes) and of a call (bytes and records)."""

    record_bytes: int = MAX_RECORD_BYTES
    call_bytes: int = MAX_CALL_BYTES
    call_records: int = MAX_CALL_RECORDS


class Packed(msgspec.Struct, frozen=True):
    """A Kinesis record: consecutive lines of one account. `size` is in bytes, with the partition key."""

    account_id: str
    data: bytes
    size: int
    lines: Sequence[Line]

    @property
    def events(self) -> int:
        """How many events it holds."""
        return len(self.lines)


class Queue(msgspec.Struct):
    """The records of one account that are still to be sent, in order."""

    account_id: str
    records: deque[Packed]


def fits(account_id: str, line: Line, limits: Limits) -> bool:
    """Whether a line fits into one record."""
    return len(line.text) + len(account_id.encode()) <= limits.record_bytes


def pack(account_id: str, lines: Sequence[Line], limits: Limits) -> Queue:
    """Pack an account's lines, in order, into as few records as possible. Each line must fit into one."""
    key = len(account_id.encode())
    records: deque[Packed] = deque()
    packed: list[Line] = []
    size = key
    for line in lines:
        if packed and size + len(line.text) > limits.record_bytes:
            records.append(_packed(account_id, packed, size))
            packed, size = [], key
        packed.append(line)
        size += len(line.text)
    if packed:
        records.append(_packed(account_id, packed, size))
    return Queue(account_id, records)


def _packed(account_id: str, lines: Sequence[Line], size: int) -> Packed:
    return Packed(account_id, b"".join(line.text for line in lines), size, lines)


def pack_all(lines: Mapping[str, Sequence[Line]], limits: Limits) -> tuple[list[Queue], list[Unpublishable]]:
    """Each account's records, in order, and the lines that are too long for a record."""
    queues: list[Queue] = []
    too_long: list[Unpublishable] = []
    for account_id, its_lines in lines.items():
        fitting = [line for line in its_lines if fits(account_id, line, limits)]
        too_long += [
            Unpublishable(
                account_id,
                str(line.version),
                f"a domain event of {len(line.text)} bytes does not fit a record of {limits.record_bytes}",
                line.record,
            )
            for line in its_lines
            if not fits(account_id, line, limits)
        ]
        if fitting:
            queues.append(pack(account_id, fitting, limits))
    return queues, too_long


def next_call(waiting: deque[Queue], limits: Limits) -> list[Queue]:
    """Take the accounts of the next call out of `waiting`: the first record of each goes into it."""
    call: list[Queue] = []
    size = 0
    while waiting and len(call) < limits.call_records:
        size += waiting[0].records[0].size
        if call and size > limits.call_bytes:
            break
        call.append(waiting.popleft())
    return call


def heads(call: Iterable[Queue]) -> list[Packed]:
    """The records of a call."""
    return [queue.records[0] for queue in call]
