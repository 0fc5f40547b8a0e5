"""Reads the rows of one stream forward, a page at a time, and without a hole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore

PAGE_ROWS = 500
MAX_READS_ON_HOLE = 5


class RowReader:
    """Reads rows in order. A hole is read again: a Query is not isolated from a transaction."""

    def __init__(
        self, store: EventStore, *, new_deadline: Callable[[], Deadline] = Deadline, backoff: Backoff | None = None
    ) -> None:
        self._store = store
        self._new_deadline = new_deadline
        self._backoff = backoff or Backoff()

    def read(self, stream_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[EventRow]:
        """All rows with after < version ≤ up_to, in order; without `up_to` to the newest.

        Raises, after all earlier rows: CorruptRowError at a row that cannot be read; InconsistentReadError at one that
        stays missing, also the last of the range. Raises ReadUnavailableError.
        """
        attempt = 0
        while up_to is None or after < up_to:
            try:
                page = self._store.read(
                    stream_id, after=after, up_to=up_to, limit=PAGE_ROWS, deadline=self._new_deadline()
                )
            except CorruptRowError as error:
                yield from self.read(stream_id, after=after, up_to=error.version - 1)
                raise
            start = after
            for row in page.rows:
                if row.version != after + 1:
                    break
                yield row
                after = row.version
            else:
                if up_to is None and not page.more:
                    return
            attempt = attempt + 1 if after == start else 0
            if attempt == MAX_READS_ON_HOLE:
                raise InconsistentReadError(stream_id, after + 1)
            if attempt:
                self._backoff.pause(attempt)
