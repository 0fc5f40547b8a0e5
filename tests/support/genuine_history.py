"""A genuine history in several snapshots, what may be done to its bytes, and what the verifier says about it."""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.eventsourcing.errors import ChainBrokenError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.bank import Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.recording import whole_history
from tests.support.workloads import accounts, credit, opening, transfer, withdrawal

A, B = accounts(2)
INTERVAL = 3
ORDERS = [
    opening(A),
    opening(B),
    credit("o1", A, 100),
    transfer("o2", A, B, 30),
    withdrawal("o3", A, 5),
    credit("o4", A, 1),
    credit("o5", A, 7),
    withdrawal("o6", A, 2),
]
NEWEST = 7
"""The newest version of A. Snapshots ride on versions 1, 4 and 7."""


def _history() -> list[EventRow]:
    """The rows of A."""
    store = InMemoryEventStore()
    bank, recorder = new_bank(store, TickingClock(), snapshot_interval=INTERVAL), Recorder(Ticks())
    for order in ORDERS:
        recorder.send(bank, order)
    return whole_history(store, A)


ROWS = _history()
"""Genuine rows; index 0 is version 1."""


def first_bad(store: EventStore) -> int | None:
    """The version the verifier names, None when all is well."""
    try:
        ChainVerifier(store, ACCOUNT_DECIDER, backoff=Backoff(sleep=lambda _: None)).verify(A)
    except ChainBrokenError as error:
        return error.version
    return None


def flips(value: str | bytes) -> Iterator[str | bytes]:
    """The value with one bit of one byte changed, for every bit and byte; texts stay UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    for place in range(len(raw)):
        for bit in range(8):
            flipped = raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]
            if isinstance(value, bytes):
                yield flipped
            elif bit < 7:  # the highest bit of an ASCII byte makes a text that is not UTF-8
                yield flipped.decode()
