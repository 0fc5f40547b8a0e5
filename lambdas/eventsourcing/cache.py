"""The cache of the warm path: the last acknowledged version of recently used streams."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from lambdas.eventsourcing.decider import Loaded

S = TypeVar("S")


class StreamCache(Generic[S]):
    """A thread-safe LRU of `Loaded`, by stream id. It never goes back to a lower version.

    A stream counts as used when it is put: every successful read and append puts it.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._streams: OrderedDict[str, Loaded[S]] = OrderedDict()

    def get(self, stream_id: str) -> Loaded[S] | None:
        """The newest version this process has seen acknowledged."""
        return self._streams.get(stream_id)  # a single look-up needs no lock

    def put(self, loaded: Loaded[S]) -> None:
        """Remember a version that a read or an append has acknowledged."""
        if loaded.version == 0 or self._capacity == 0:
            return
        with self._lock:
            known = self._streams.get(loaded.stream_id)
            if known is None or known.version < loaded.version:
                self._streams[loaded.stream_id] = loaded
            if known is not None:
                self._streams.move_to_end(loaded.stream_id)
            elif len(self._streams) > self._capacity:
                self._streams.popitem(last=False)
