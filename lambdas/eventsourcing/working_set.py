"""The streams of one request: cached, read, or advanced by the rows of the commit that won the race."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import Loaded
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow

S = TypeVar("S")
E = TypeVar("E")


class WorkingSet(Generic[S, E]):
    """The streams of one request. A stream is confirmed when its state comes from a read begun in this request.

    Only confirmed streams justify a rejection: a cached state, or one advanced by a winner's rows, may be behind.
    """

    __slots__ = ("_cache", "_confirmed", "_deadline", "_reader", "loaded")

    def __init__(self, reader: StreamReader[S, E], cache: StreamCache[S], deadline: Deadline) -> None:
        self._reader = reader
        self._cache = cache
        self._deadline = deadline
        self._confirmed: set[str] = set()
        self.loaded: dict[str, Loaded[S]] = {}

    def load(self, stream_id: str, *, opens: bool) -> Loaded[S]:
        """The stream, read if it is not remembered. With `opens` it is not read, since a new one is expected."""
        stream = self.loaded.get(stream_id) or self._cache.get(stream_id)
        if stream is None and not opens:
            return self._read(Loaded(stream_id))
        self.loaded[stream_id] = stream = stream or Loaded(stream_id)
        return stream

    def expect_new(self, stream_id: str) -> None:
        """Take the stream for empty, also if it is remembered: whether it is, the commit will tell."""
        self.loaded[stream_id] = Loaded(stream_id)

    def confirm(self, stream_ids: Iterable[str]) -> bool:
        """Read those of the streams that are not confirmed. False if all were confirmed."""
        stale = [stream_id for stream_id in stream_ids if stream_id not in self._confirmed]
        for stream_id in stale:
            self._read(self.loaded[stream_id])
        return bool(stale)

    def catch_up(self, winners: Sequence[EventRow], conflicts: int, backoff: Backoff) -> None:
        """After the first lost race the winner's rows are enough; after another, read every stream's newer rows."""
        if conflicts == 1 and self.advance(winners):
            return
        backoff.pause(conflicts)
        for stream in list(self.loaded.values()):
            self._read(stream)

    def doubt(self) -> None:
        """No read so far justifies a rejection any more: something has happened since."""
        self._confirmed.clear()

    def advance(self, winners: Sequence[EventRow]) -> bool:
        """Fold the winners' rows that follow a stream without a hole. False if none of them does.

        DynamoDB may keep back some of the rows, so that those at hand are not all that were added.
        """
        advanced = False
        for stream_id, stream in list(self.loaded.items()):
            rows = sorted((row for row in winners if row.stream_id == stream_id), key=lambda row: row.version)
            following = [row for version, row in enumerate(rows, stream.version + 1) if row.version == version]
            if following:
                newer = self._reader.advance(stream, following)
                self.loaded[stream_id] = newer
                self._cache.put(newer)
                self._confirmed.discard(stream_id)
                advanced = True
        return advanced

    def _read(self, base: Loaded[S]) -> Loaded[S]:
        stream = self._reader.load(base.stream_id, base=base, deadline=self._deadline)
        self._cache.put(stream)
        self.loaded[base.stream_id] = stream
        self._confirmed.add(base.stream_id)
        return stream
