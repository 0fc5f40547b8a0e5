"""Event stores that write down when each commit became visible, and that let others run in between."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lambdas.eventsourcing.errors import VersionConflictError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import C, EventStore, Page
from tests.support.audit import Append
from tests.support.clocks import Ticks


class RecordingStore:
    """Passes every call on and records the appends. With `serialize`, commits run one at a time: exact times."""

    def __init__(self, store: EventStore, ticks: Ticks, *, serialize: bool) -> None:
        self._store = store
        self._ticks = ticks
        self._lock: AbstractContextManager[Any] = threading.Lock() if serialize else nullcontext()
        self.appends: list[Append] = []
        self.conflicts = 0

    def read(self, stream_id: str, **query: Any) -> Page:
        """See EventStore.read."""
        return self._store.read(stream_id, **query)

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit."""
        with self._lock:
            earliest = self._ticks()
            try:
                commit = self._store.commit(build, deadline=deadline)
            except VersionConflictError:
                self.conflicts += 1
                raise
            self.appends.append(Append(earliest, self._ticks(), commit.rows))
            return commit


class YieldingStore:
    """Gives other threads a turn before and after every call, for a random short time."""

    def __init__(self, store: EventStore, *, seed: int, longest: float) -> None:
        self._store = store
        self._random = random.Random(seed)
        self._longest = longest

    def read(self, stream_id: str, **query: Any) -> Page:
        """See EventStore.read."""
        self._yield()
        page = self._store.read(stream_id, **query)
        self._yield()
        return page

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit."""
        self._yield()
        commit = self._store.commit(build, deadline=deadline)
        self._yield()
        return commit

    def _yield(self) -> None:
        time.sleep(self._random.uniform(0.0, self._longest))


def whole_history(store: EventStore, stream_id: str) -> list[EventRow]:
    """All rows of a stream, ascending."""
    rows: list[EventRow] = []
    while True:
        page = store.read(stream_id, after=rows[-1].version if rows else 0, limit=1000, deadline=Deadline())
        rows.extend(page.rows)
        if not page.more or not page.rows:
            return rows
