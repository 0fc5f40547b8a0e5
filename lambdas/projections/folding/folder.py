"""Folds events into one account's row of one generation, through its gate: the only code that moves a gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Final, Generic

from msgspec import Struct

from lambdas.contracts.ledger_events import LedgerEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building
from lambdas.projections.errors import RowChangedError
from lambdas.projections.folding.filling import fill
from lambdas.projections.folding.gate import Standing, standing
from lambdas.projections.folding.restores import after_restores, go_on
from lambdas.projections.folding.row_cache import RowCache
from lambdas.projections.folding.steps import Steps
from lambdas.projections.folding.taken import Delivered, EventSource, Taken, UnreadableEvent
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import AccountRow, ReadModel

MOST_FILLED_GAP: Final = 500
"""While a rebuild walks the event table, a live event behind a larger gap is left to it."""
MOST_RACES: Final = 10
"""So often a row may be changed by somebody else until the rest waits for the redelivery."""
REMEMBERED_ROWS: Final = 10_000
"""Of all generations together."""


class Outcome(Struct, Generic[K], frozen=True):
    """How far an account came. `row` is as it stands now; `folded` counts the events that were counted.

    `waiting`: some events are not folded for lack of time, they must be delivered again. `deferred`: they are left to
    the rebuild. `stopped_now`: the account was stopped by this call (`row.gate.stopped` says why).
    """

    row: AccountRow[K]
    folded: int = 0
    waiting: bool = False
    deferred: bool = False
    stopped_now: bool = False


class _End(Enum):
    DONE = auto()
    WAITING = auto()
    DEFERRED = auto()


class AccountFolder(Generic[K]):
    """Folds into the rows of one projection. Safe to use from several threads, for different accounts.

    Between any two requests it may end, or somebody else may fold for the same account: each request leaves the row,
    and shared rows, at the fold of a prefix, and what is not folded yet is found missing at the gate.
    """

    def __init__(
        self,
        projection: Projection[K],
        rows: ReadModel[K],
        events: EventSource,
        *,
        remembered_rows: int = REMEMBERED_ROWS,
    ) -> None:
        self._projection = projection
        self._rows = rows
        self._events = events
        self._remembered: RowCache[K] = RowCache(remembered_rows)

    def take(
        self,
        generation: int,
        account_id: str,
        events: Sequence[Taken],
        deadline: Deadline,
        *,
        walking: Building | None = None,
    ) -> Outcome[K]:
        """Fold what is new among `events`, in any order, and fill gaps before them from the event table.

        With `walking`, the generation is being built, and events behind a gap of more than MOST_FILLED_GAP are left to
        the walk. Raises ReadModelUnavailableError, and ReadUnavailableError of the event table.
        """
        restores = [each for each in events if isinstance(each, LedgerEvent)]
        delivered = [each for each in events if not isinstance(each, LedgerEvent)]
        delivered.sort(key=lambda each: (each.streamversion, each.recordedtime))

        def course(steps: Steps[K]) -> _End:
            if restores and not after_restores(steps, restores, self._events, deadline):
                return _End.WAITING
            if steps.gate.stopped:
                return _End.DONE
            return self._fold_all(generation, steps, delivered, deadline, walking)

        row = self._remembered.get(generation, account_id) or self._rows.load(generation, account_id, deadline)
        return self._run(generation, row, course, deadline)

    def catch_up(self, generation: int, account_id: str, deadline: Deadline, *, restart: bool = False) -> Outcome[K]:
        """Fold everything that the event table has of the account. With `restart`, also if the account is stopped.

        Raises as `take` does.
        """

        def course(steps: Steps[K]) -> _End:
            if steps.gate.stopped and not restart:
                return _End.DONE
            proceed = go_on if steps.gate.stopped else fill
            return _End.DONE if proceed(steps, self._events, deadline) else _End.WAITING

        return self._run(generation, self._rows.load(generation, account_id, deadline), course, deadline)

    def _run(
        self, generation: int, row: AccountRow[K], course: Callable[[Steps[K]], _End], deadline: Deadline
    ) -> Outcome[K]:
        """Go the course from the row; whenever the row turns out to be another, again from that one."""
        folded = 0
        for _ in range(MOST_RACES):
            steps = Steps(self._projection, self._rows, generation, row, deadline)
            try:
                end = course(steps)
                if end is not _End.WAITING:  # else there is no time to write, either
                    steps.write()
            except RowChangedError as error:
                folded += steps.written
                row = error.current
                continue
            finally:
                self._remembered.put(generation, steps.row)
            stopped = steps.row.gate.stopped
            return Outcome(
                row=steps.row,
                folded=folded + steps.written,
                waiting=end is _End.WAITING,
                deferred=end is _End.DEFERRED,
                stopped_now=bool(stopped) and stopped != row.gate.stopped,
            )
        self._remembered.put(generation, row)
        return Outcome(row=row, folded=folded, waiting=True)

    def _fold_all(
        self,
        generation: int,
        steps: Steps[K],
        delivered: Sequence[Delivered],
        deadline: Deadline,
        walking: Building | None,
    ) -> _End:
        for event in delivered:
            place = standing(steps.gate, event)
            if place is Standing.GAP:
                if walking is not None and self._deferred(generation, steps, event, deadline, walking):
                    return _End.DEFERRED
                if not fill(steps, self._events, deadline, up_to=event.streamversion - 1):
                    return _End.WAITING
                place = standing(steps.gate, event)
            if not steps.gate.stopped and place in {Standing.NEXT, Standing.FORK}:
                _fold_or_stop(steps, event, place)
            if steps.gate.stopped:
                break
        return _End.DONE

    def _deferred(
        self, generation: int, steps: Steps[K], event: Delivered, deadline: Deadline, walking: Building
    ) -> bool:
        """Whether the event, and what follows it, is left to the rebuild."""
        if event.streamversion - steps.gate.version - 1 <= MOST_FILLED_GAP:
            return False
        return self._rows.defer(generation, steps.row.account_id, walking.rebuild, deadline)


def _fold_or_stop(steps: Steps[Any], event: Delivered, place: Standing) -> None:
    if place is Standing.FORK:
        version = steps.gate.version
        steps.stop(f"Event {event.streamversion} is of another history than what was folded to {version}: a restore?")
    elif isinstance(event, UnreadableEvent):
        steps.stop(f"Event {event.streamversion} cannot be read: {event.reason}")
    else:
        steps.fold(event)
