"""The reading side of a read model: all that routes use, and nothing else reads for them.

It reads the live generation, or the one in a cursor if the control row names it as live or previous; a generation that
is being built is never read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Generic, TypeVar

from lambdas.eventsourcing.retry import REQUEST_SECONDS, Backoff, Deadline
from lambdas.eventsourcing.table_requests import TableClient
from lambdas.projections.control import Control
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.read_model import ReadModelTable, Standing
from lambdas.projections.dynamodb.requests import Requests
from lambdas.projections.errors import GenerationGoneError, NotBuiltError
from lambdas.projections.lag import Lag
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import AccountRow, Units
from lambdas.projections.reading.listing import MOST_LISTED, Cursor, Listed, Place, check, next_places

T = TypeVar("T")

KEPT_SECONDS: Final = 10.0
"""So long a process goes by the control row and the lag that it has read."""

LAG_SECONDS: Final = 4.0
"""So long the lag is asked for: one slow attempt, or some that are refused at once. The answer that it goes with is
there already, and the function that gives it has less than the time of two."""

FORGOTTEN_SECONDS: Final = KEPT_SECONDS + REQUEST_SECONDS
"""So long after the control row has ceased to name a generation somebody may still read it: delete its rows later."""


class Reader(Generic[K]):
    """Answers routes. Safe to use from several threads; every call ends within the time of a request.

    Every method raises ReadModelUnavailableError, and CorruptItemError. `clock` gives seconds since any moment.
    """

    def __init__(
        self,
        client: TableClient,
        table_name: str,
        projection: Projection[K],
        *,
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
        new_deadline: Callable[[float], Deadline] = Deadline,
    ) -> None:
        requests = Requests(client, table_name, backoff=backoff)
        self._table = ReadModelTable(requests, projection)
        self._projection = projection
        self._new_deadline = new_deadline
        self._control = _Kept(self._table.control.read, clock)
        self._lag = _Kept(self._table.positions.lag, clock)

    @property
    def units(self) -> Units:
        """What all requests have consumed so far."""
        return self._table.units

    def listing(self, groups: Sequence[str], order_prefix: str, limit: int, cursor: Cursor | None = None) -> Listed[K]:
        """The next accounts of these groups whose order begins with the prefix, 1 to 100 of them.

        The rows are read after the index, strongly consistent: an account that has moved meanwhile is left out. On a
        table that nobody writes to, no account is left out, and none stands on two pages. Raises NotBuiltError,
        CursorError, GenerationGoneError, and ValueError for another limit.
        """
        if not 1 <= limit <= MOST_LISTED:
            raise ValueError(f"{limit} is no number of accounts from 1 to {MOST_LISTED}")
        if cursor is not None:
            check(cursor, groups, order_prefix)
        deadline = self._new_deadline(REQUEST_SECONDS)
        generation = self._generation(cursor, deadline)
        read = partial(self._places, generation, order_prefix, deadline)
        places = next_places(read, groups, cursor, limit + 1)
        page = places[:limit]
        found = self._table.standing(generation, [place.account_id for place in page], deadline) if page else {}
        standing = [
            found[each.account_id].row for each in page if _stands(found.get(each.account_id), generation, each)
        ]
        if len(places) <= limit:
            return Listed(standing)
        last = page[-1]
        return Listed(standing, Cursor(generation, last.group, last.shard, last.ordered))

    def accounts(self, account_ids: Iterable[str]) -> dict[str, AccountRow[K]]:
        """The accounts of which something is kept, by their ids, strongly consistent. Raises NotBuiltError."""
        deadline = self._new_deadline(REQUEST_SECONDS)
        rows = self._table.rows(self._generation(None, deadline), account_ids, deadline)
        return {account_id: row for account_id, row in rows.items() if row.kept is not None}

    def shared(self, first: str, last: str) -> dict[str, dict[str, int]]:
        """Shared rows with first ≤ key ≤ last, in order: measures by key. Raises NotBuiltError."""
        deadline = self._new_deadline(REQUEST_SECONDS)
        return self._table.shared_rows(self._generation(None, deadline), first, last, deadline)

    def lag(self) -> Lag | None:
        """The last measurement of the lag, which may be KEPT_SECONDS older than the newest."""
        return self._lag.get(self._new_deadline(LAG_SECONDS), lambda lag: lag is not None)

    def _generation(self, cursor: Cursor | None, deadline: Deadline) -> int:
        """A cursor may come from a process that has seen a switch before this one: then the row is read anew."""
        if cursor is None:
            control = self._control.get(deadline, _is_live)
            if not control.live:
                raise NotBuiltError(self._projection.name)
            return control.live
        control = self._control.get(deadline, lambda control: cursor.generation in _readable(control))
        if cursor.generation not in _readable(control):
            raise GenerationGoneError(cursor.generation)
        return cursor.generation

    def _places(
        self, generation: int, prefix: str, deadline: Deadline, group: str, shard: int, after: str, most: int
    ) -> list[str]:
        partition = table.listed(generation, group, shard)
        return self._table.listings.places(partition, prefix, after, most, deadline)


class _Kept(Generic[T]):
    """What was read is kept for a while, as long as it will do."""

    def __init__(self, read: Callable[[Deadline], T], clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self, deadline: Deadline, will_do: Callable[[T], bool]) -> T:
        """What is kept, if it is fresh and will do; else what is read now, whether it will do or not."""
        with self._lock:
            if self._kept is not None:
                read_at, kept = self._kept
                if self._clock() - read_at < KEPT_SECONDS and will_do(kept):
                    return kept
            now = self._clock()
            value = self._read(deadline)
            self._kept = (now, value)
            return value


def _is_live(control: Control) -> bool:
    return control.live > 0


def _readable(control: Control) -> tuple[int, ...]:
    return tuple(each for each in (control.live, control.previous) if each)


def _stands(found: Standing[K] | None, generation: int, place: Place) -> bool:
    """Whether the row stands where the index has shown it."""
    if found is None or found.row.kept is None:
        return False
    here = table.listed(generation, place.group, place.shard), place.ordered
    return (found.listed, found.ordered) == here
