"""The streams of one command: cached, read, or advanced by the rows of the commit that won the race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import Loaded
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow

S = TypeVar("S")
E = TypeVar("E")


class WorkingSet(Generic[S, E]):
    """The streams of one command. A stream is confirmed when its state comes from a read begun in this request.

    Only confirmed streams justify a rejection: a cached state, or one advanced by a winner's rows, may be behind.
    """

    __slots__ = ("_cache", "_confirmed", "_deadline", "_reader", "loaded")

    def __init__(
        self,
        reader: StreamReader[S, E],
        cache: StreamCache[S],
        stream_ids: tuple[str, ...],
        deadline: Deadline,
        *,
        opens: bool,
    ) -> None:
        self._reader = reader
        self._cache = cache
        self._deadline = deadline
        self.loaded: list[Loaded[S]] = []
        self._confirmed: list[bool] = []
        for stream_id in stream_ids:
            remembered = cache.get(stream_id)
            if remembered is None and opens:
                remembered = Loaded(stream_id)
            self.loaded.append(remembered or self._read(Loaded(stream_id)))
            self._confirmed.append(remembered is None)

    def confirm(self) -> bool:
        """Read the streams that are not confirmed. False if all were confirmed."""
        stale = [index for index, confirmed in enumerate(self._confirmed) if not confirmed]
        for index in stale:
            self._reread(index)
        return bool(stale)

    def reread(self) -> None:
        """Read the newer rows of every stream."""
        for index in range(len(self.loaded)):
            self._reread(index)

    def advance(self, winners: Sequence[EventRow]) -> bool:
        """Fold the winners' rows. False if none of them is the next version of a stream."""
        advanced = False
        for index, stream in enumerate(self.loaded):
            following = sorted(
                (row for row in winners if row.stream_id == stream.stream_id), key=lambda row: row.version
            )
            if following and following[0].version == stream.version + 1:
                self.loaded[index] = self._reader.advance(stream, following)
                self._cache.put(self.loaded[index])
                self._confirmed[index] = False
                advanced = True
        return advanced

    def _reread(self, index: int) -> None:
        self.loaded[index] = self._read(self.loaded[index])
        self._confirmed[index] = True

    def _read(self, base: Loaded[S]) -> Loaded[S]:
        loaded = self._reader.load(base.stream_id, base=base, deadline=self._deadline)
        self._cache.put(loaded)
        return loaded
