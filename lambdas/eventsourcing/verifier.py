"""Verifies the hash chain of a stream: versions, hashes, times and snapshots, from version 1 on.

What that shows and what it does not: see `chain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.decider import Decider
from lambdas.eventsourcing.errors import ChainBrokenError, CorruptRowError, UnknownSchemaError
from lambdas.eventsourcing.reader import MAX_READS_ON_HOLE
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore

S = TypeVar("S")
E = TypeVar("E")

PAGE_ROWS = 1000


class Verified(msgspec.Struct, frozen=True):
    """A stream that verifies: its number of events, its newest hash (32 bytes), the snapshots checked."""

    stream_id: str
    version: int
    hash: bytes
    snapshots: int


class StreamChain(Generic[S, E]):
    """Verifies the rows of one stream that are handed over in order, from version 1 on."""

    def __init__(self, stream_id: str, decider: Decider[S, E]) -> None:
        self.stream_id = stream_id
        self.version = 0
        self.hash = GENESIS
        self.state: S | None = None
        self.snapshots = 0
        self._decider = decider
        self._recorded_at = ""

    def take(self, row: EventRow) -> None:
        """Check the next row, and fold its event. Raises ChainBrokenError; then nothing more can be checked."""
        version = self.version + 1
        if row.hash != row_hash(self.hash, row):
            raise ChainBrokenError(self.stream_id, version, "the hash does not match the row and its predecessor")
        if row.recorded_at < self._recorded_at:
            raise ChainBrokenError(self.stream_id, version, "it was recorded before its predecessor")
        self.state = self._fold(row)
        self.snapshots += self._check_snapshot(self.state, row)
        self.version, self.hash, self._recorded_at = version, row.hash, row.recorded_at

    def _fold(self, row: EventRow) -> S:
        try:
            return self._decider.evolve(self.state, self._decider.codec.decode(row.type, row.schema, row.data))
        except (UnknownSchemaError, msgspec.MsgspecError) as error:
            raise ChainBrokenError(row.stream_id, row.version, f"the event does not decode: {error}") from error

    def _check_snapshot(self, state: S, row: EventRow) -> int:
        codec = self._decider.codec
        if row.state is None or not codec.can_decode_state(row.state_schema):
            return 0
        try:
            snapshot = codec.decode_state(row.state_schema, row.state)
        except msgspec.MsgspecError as error:
            raise ChainBrokenError(row.stream_id, row.version, f"the snapshot does not decode: {error}") from error
        if snapshot != state:
            raise ChainBrokenError(row.stream_id, row.version, "the snapshot is not the fold of the events")
        return 1


class ChainVerifier(Generic[S, E]):
    """Verifies streams by reading them forward, a page at a time."""

    def __init__(
        self,
        store: EventStore,
        decider: Decider[S, E],
        *,
        new_deadline: Callable[[], Deadline] = Deadline,
        backoff: Backoff | None = None,
    ) -> None:
        self._store = store
        self._decider = decider
        self._new_deadline = new_deadline
        self._backoff = backoff or Backoff()

    def verify(self, stream_id: str) -> Verified:
        """Check the whole stream; version 0 for one that does not exist.

        Raises ChainBrokenError naming the first bad version, ReadUnavailableError.
        """
        chain = StreamChain(stream_id, self._decider)
        for row in self._rows(stream_id):
            chain.take(row)
        return Verified(stream_id, chain.version, chain.hash, chain.snapshots)

    def _rows(self, stream_id: str) -> Iterator[EventRow]:
        """All rows, in order from version 1. One that does not decode is reported after those before it are checked.

        A page beside a transaction under way may lack some of its rows: it is read again, and only a row that stays
        missing breaks the chain.
        """
        after, up_to, reads = 0, None, 0
        corrupt: CorruptRowError | None = None
        while up_to is None or after < up_to:
            try:
                page = self._store.read(
                    stream_id, after=after, up_to=up_to, limit=PAGE_ROWS, deadline=self._new_deadline()
                )
            except CorruptRowError as error:
                corrupt, up_to = error, error.version - 1
                continue
            before = after
            for row in page.rows:
                if row.version != after + 1:
                    break
                yield row
                after = row.version
            else:
                if up_to is None and not page.more:
                    return
            reads = reads + 1 if after == before else 0
            if reads == MAX_READS_ON_HOLE:
                first = page.rows[0].version if page.rows else after + 1
                raise ChainBrokenError(stream_id, min(first, after + 1), "the row is missing, or out of place")
            if reads:
                self._backoff.pause(reads)
        if corrupt is not None:
            raise ChainBrokenError(stream_id, corrupt.version, corrupt.reason) from corrupt
