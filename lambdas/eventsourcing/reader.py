"""Folds rows to a state: the newest usable snapshot and the events after it, in one query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Generic, TypeVar

import msgspec

from lambdas.eventsourcing.decider import Decider, History, Loaded, Origin, RecordedEvent
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError, VersionNotFoundError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.eventsourcing.store import EventStore, Page

S = TypeVar("S")
E = TypeVar("E")
R = TypeVar("R")

MAX_READS_ON_HOLE = 5
FULL_FOLD_AFTER_ROWS = 1000
"""After so many rows without a usable snapshot, the stream is folded forward, page by page, to save memory."""


class _HoleError(Exception):
    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class StreamReader(Generic[S, E]):
    """Reads states and histories. `page_size` is the limit of the first query: the snapshot interval."""

    def __init__(
        self, store: EventStore, decider: Decider[S, E], *, page_size: int, backoff: Backoff | None = None
    ) -> None:
        self._store = store
        self._decider = decider
        self._page_size = page_size
        self._backoff = backoff or Backoff()

    def load(
        self, stream_id: str, *, deadline: Deadline, base: Loaded[S] | None = None, up_to: int | None = None
    ) -> Loaded[S]:
        """The newest state, or that at the newest version ≤ `up_to`.

        With `base`, an acknowledged earlier state, only rows after it are read. Raises ReadUnavailableError,
        CorruptRowError, UnknownSchemaError, InconsistentReadError.
        """
        known = base or Loaded(stream_id)
        return self._whole(stream_id, partial(self._load, known, up_to, deadline))

    def load_version(self, stream_id: str, version: int, *, deadline: Deadline) -> Loaded[S]:
        """The state at exactly `version`. Raises VersionNotFoundError, and what `load` raises."""
        loaded = self.load(stream_id, deadline=deadline, up_to=version) if version > 0 else Loaded[S](stream_id)
        if version < 1 or loaded.version != version:
            raise VersionNotFoundError(stream_id, version, loaded.version)
        return loaded

    def load_at(self, stream_id: str, at: str, *, newest: Loaded[S] | None = None, deadline: Deadline) -> Loaded[S]:
        """The state as it was known at the moment `at`; version 0 if the stream did not exist yet.

        A binary search over versions, since `recorded_at` never decreases, and then one read of the state. `newest`,
        if it was just loaded, is not read again.
        """
        newest = newest or self.load(stream_id, deadline=deadline)
        if newest.version == 0 or newest.recorded_at <= at:
            return newest
        low, high = 0, newest.version - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._whole(stream_id, partial(self._row, stream_id, middle, deadline)).recorded_at <= at:
                low = middle
            else:
                high = middle - 1
        if low == 0:
            return Loaded(stream_id)
        return self._whole(stream_id, partial(self._load_existing, stream_id, low, deadline))

    def rows(self, stream_id: str, *, before: int | None, limit: int, deadline: Deadline) -> list[EventRow]:
        """At most `limit` rows with version < `before`, newest first, as they are stored; none of an unknown stream."""
        up_to = None if before is None else before - 1
        if up_to is not None and up_to < 1:
            return []
        return self._whole(stream_id, partial(self._newest, stream_id, up_to, limit, deadline))

    def history(self, stream_id: str, *, before: int | None, limit: int, deadline: Deadline) -> History[E]:
        """At most `limit` events with version < `before`, newest first; no events for an unknown stream."""
        rows = self.rows(stream_id, before=before, limit=limit, deadline=deadline)
        return History([self._recorded(row) for row in rows], older_than(rows))

    def origin(self, stream_id: str, *, deadline: Deadline) -> Origin[S, E]:
        """How a stream that exists began. Raises InconsistentReadError if it does not, and what `load` raises."""
        row = self._whole(stream_id, partial(self._row, stream_id, 1, deadline))
        try:
            metadata = msgspec.json.decode(row.metadata, type=Metadata)
        except msgspec.MsgspecError as error:
            raise CorruptRowError(stream_id, 1, f"its metadata does not decode: {error}") from error
        loaded = self.advance(Loaded(stream_id), [row])
        return Origin(row.commit_id, metadata.actor, row.occurred_at, self._event(row), loaded)

    def advance(self, known: Loaded[S], rows: list[EventRow]) -> Loaded[S]:
        """Fold `rows` (ascending, the first at known.version + 1) onto `known`.

        Raises InconsistentReadError if one is missing among them: what is folded over a hole is never the truth.
        """
        decider, codec = self._decider, self._decider.codec
        state, snapshot_version, row = known.state, known.snapshot_version, None
        for version, row in enumerate(rows, known.version + 1):
            if row.version != version:
                raise InconsistentReadError(known.stream_id, version)
            state = decider.evolve(state, self._event(row))
            if row.state is not None and codec.can_decode_state(row.state_schema):
                snapshot_version = row.version
        if row is None:
            return known
        return Loaded(known.stream_id, state, row.version, row.hash, row.recorded_at, snapshot_version)

    def _whole(self, stream_id: str, read: Callable[[], R]) -> R:
        """Call `read` again while it finds a row missing. Raises InconsistentReadError if one stays missing."""
        hole = 0
        for attempt in range(1, MAX_READS_ON_HOLE + 1):
            try:
                return read()
            except _HoleError as error:
                hole = error.version
            if attempt < MAX_READS_ON_HOLE:
                self._backoff.pause(attempt)
        raise InconsistentReadError(stream_id, hole)

    def _load(self, known: Loaded[S], up_to: int | None, deadline: Deadline) -> Loaded[S]:
        rows: list[EventRow] = []
        limit = self._page_size
        while True:
            upper = rows[-1].version - 1 if rows else up_to
            page = self._store.read(
                known.stream_id,
                after=known.version,
                up_to=upper,
                newest_first=True,
                limit=limit,
                deadline=deadline,
            )
            if rows and (not page.rows or page.rows[0].version != upper):
                raise _HoleError(rows[-1].version - 1)
            hole = _first_hole(page, newest_first=True, floor=known.version)
            for row in page.rows:
                rows.append(row)
                if row.state is not None and self._decider.codec.can_decode_state(row.state_schema):
                    return self._fold_from_snapshot(known.stream_id, rows, hole)
            if hole is not None:
                raise _HoleError(hole)
            if not page.more:
                rows.reverse()
                return self.advance(known, rows)
            if len(rows) >= FULL_FOLD_AFTER_ROWS:
                return self._fold_forward(known, rows[0].version, deadline)
            limit *= 2

    def _fold_from_snapshot(self, stream_id: str, rows: list[EventRow], hole: int | None) -> Loaded[S]:
        snapshot = rows.pop()
        if hole is not None and hole > snapshot.version:
            raise _HoleError(hole)
        rows.reverse()
        try:
            state = self._decider.codec.decode_state(snapshot.state_schema, snapshot.state or "")
        except msgspec.MsgspecError as error:
            raise CorruptRowError(stream_id, snapshot.version, f"its snapshot does not decode: {error}") from error
        base = Loaded(stream_id, state, snapshot.version, snapshot.hash, snapshot.recorded_at, snapshot.version)
        return self.advance(base, rows)

    def _fold_forward(self, known: Loaded[S], up_to: int, deadline: Deadline) -> Loaded[S]:
        while known.version < up_to:
            page = self._store.read(known.stream_id, after=known.version, up_to=up_to, deadline=deadline)
            hole = _first_hole(page, newest_first=False, floor=known.version)
            if hole is not None or not page.rows:
                raise _HoleError(hole or known.version + 1)
            known = self.advance(known, page.rows)
        return known

    def _load_existing(self, stream_id: str, version: int, deadline: Deadline) -> Loaded[S]:
        loaded = self._load(Loaded(stream_id), version, deadline)
        if loaded.version != version:
            raise _HoleError(version)
        return loaded

    def _row(self, stream_id: str, version: int, deadline: Deadline) -> EventRow:
        page = self._store.read(stream_id, after=version - 1, up_to=version, deadline=deadline)
        if not page.rows:
            raise _HoleError(version)
        return page.rows[0]

    def _newest(self, stream_id: str, up_to: int | None, limit: int, deadline: Deadline) -> list[EventRow]:
        page = self._store.read(stream_id, up_to=up_to, newest_first=True, limit=limit, deadline=deadline)
        hole = _first_hole(page, newest_first=True, floor=0)
        if hole is not None:
            raise _HoleError(hole)
        return page.rows

    def _recorded(self, row: EventRow) -> RecordedEvent[E]:
        return RecordedEvent(row.version, row.type, row.occurred_at, row.recorded_at, self._event(row))

    def _event(self, row: EventRow) -> E:
        try:
            return self._decider.codec.decode(row.type, row.schema, row.data)
        except msgspec.MsgspecError as error:
            raise CorruptRowError(row.stream_id, row.version, f"its event does not decode: {error}") from error


def older_than(rows: Sequence[EventRow]) -> int | None:
    """Below which version the rows after these are, newest first; None if these end with the first of the stream."""
    return rows[-1].version if rows and rows[-1].version > 1 else None


def _first_hole(page: Page, *, newest_first: bool, floor: int) -> int | None:
    """The highest (newest first) or lowest missing version of a page, None when it is contiguous."""
    rows = page.rows
    step = -1 if newest_first else 1
    for row, following in pairwise(rows):
        if following.version != row.version + step:
            return row.version + step
    if not rows:
        return None
    if not newest_first:
        return floor + 1 if rows[0].version != floor + 1 else None
    lowest = rows[-1].version
    return lowest - 1 if not page.more and lowest != floor + 1 else None
