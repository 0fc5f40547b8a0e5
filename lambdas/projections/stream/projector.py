"""Folds the batches of the stream into all generations of one projection that take events, the live one first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from msgspec import Struct

from lambdas.contracts.ledger_events import LedgerEvent
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building, ControlRow
from lambdas.projections.errors import NotBuiltError, ProjectionError, ReadModelUnavailableError
from lambdas.projections.folding.folder import AccountFolder, Outcome
from lambdas.projections.folding.taken import EventSource, Taken
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import Gate, ReadModel

A = TypeVar("A")
B = TypeVar("B")


class Stopped(Struct, frozen=True):
    """An account that goes on no further in a generation: the version of the last event that counts, and why."""

    generation: int
    account_id: str
    version: int
    reason: str


class Taking(Struct, frozen=True, kw_only=True):
    """What became of a batch. `live` is the live generation (0: none is), `folded` counts the events folded into it.

    `deferred` counts accounts that are left to a rebuild. `waiting` are accounts that are not wholly folded, in some
    generation: the batch must come again. `failed` is why, if something did not answer; empty: there was not time
    enough. `stopped` are those that were stopped by this batch.
    """

    live: int = 0
    folded: int = 0
    deferred: int = 0
    waiting: tuple[str, ...] = ()
    stopped: tuple[Stopped, ...] = ()
    failed: str = ""


class Projector(Generic[K]):
    """The projector of one projection; it remembers the rows of accounts that it has seen lately."""

    def __init__(
        self,
        projection: Projection[K],
        rows: ReadModel[K],
        control: ControlRow,
        events: EventSource,
        *,
        workers: int = 8,
    ) -> None:
        self._name = projection.name
        self._rows = rows
        self._folder = AccountFolder(projection, rows, events)
        self._control = control
        self._workers = workers

    def take(self, accounts: Mapping[str, Sequence[Taken]], deadline: Deadline) -> Taking:
        """Fold a batch, by account, into every generation. Raises nothing that a repetition may mend: see `Taking`.

        The control row is read now, not remembered: a rebuild relies on it that whoever read the row before its
        generation was named was handed only events that were recorded before. Restores are noted before that, so that a
        generation that it does not name yet learns of them when its rebuild begins.
        """
        try:
            self._note_restores(accounts, deadline)
            control = self._control.read()
        except ReadModelUnavailableError as error:
            return Taking(waiting=tuple(accounts), failed=str(error))
        shares = [
            share
            for generation in control.generations
            for share in self._fold_generation(generation, control.walking, accounts, deadline)
        ]
        outcomes = [(share, share.outcome) for share in shares if share.outcome is not None]
        waiting = {each.account_id: None for each in shares if each.outcome is None or each.outcome.waiting}
        return Taking(
            live=control.live,
            folded=sum(outcome.folded for share, outcome in outcomes if share.generation == control.live),
            deferred=sum(outcome.deferred for _, outcome in outcomes),
            waiting=tuple(waiting),
            stopped=tuple(_stopped(share.generation, outcome) for share, outcome in outcomes if outcome.stopped_now),
            failed=next((each.failed for each in shares if each.failed), ""),
        )

    def retry(self, account_ids: Iterable[str], deadline: Deadline) -> dict[str, Gate]:
        """Let stopped accounts go on in every generation; gives their gates in the live one.

        Raises NotBuiltError if there is no generation, ReadModelUnavailableError, also if there was not time for all
        events of an account, and ReadUnavailableError of the event table. A repetition goes on where it ended.
        """
        generations = self._control.read().generations
        if not generations:
            raise NotBuiltError(self._name)
        gates: dict[str, Gate] = {}
        for account_id in account_ids:
            outcomes = [self._folder.catch_up(each, account_id, deadline, restart=True) for each in generations]
            if any(each.waiting for each in outcomes):
                raise ReadModelUnavailableError(f"There was not time for all events of account {account_id}.")
            gates[account_id] = outcomes[0].row.gate
        return gates

    def _note_restores(self, accounts: Mapping[str, Sequence[Taken]], deadline: Deadline) -> None:
        restores = [event for events in accounts.values() for event in events if isinstance(event, LedgerEvent)]
        self._each(lambda event: self._rows.note_restore(event, deadline), restores)

    def _each(self, act: Callable[[A], B], inputs: Collection[A]) -> list[B]:
        """The results, of several at a time. All have ended when one has raised."""
        workers = min(self._workers, len(inputs))
        if workers <= 1:
            return [act(each) for each in inputs]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(act, inputs))

    def _fold_generation(
        self, generation: int, walking: Building | None, accounts: Mapping[str, Sequence[Taken]], deadline: Deadline
    ) -> list[_Share[K]]:
        walked = walking if walking is not None and walking.generation == generation else None

        def fold(account_id: str) -> _Share[K]:
            if not deadline.allows_attempt():
                return _Share(generation, account_id)
            try:
                events = accounts[account_id]
                outcome = self._folder.take(generation, account_id, events, deadline, walking=walked)
            except (ProjectionError, ReadUnavailableError) as error:  # of this account: the others are folded
                return _Share(generation, account_id, failed=f"{type(error).__name__}: {error}")
            return _Share(generation, account_id, outcome)

        return self._each(fold, accounts)


class _Share(Struct, Generic[K], frozen=True):
    """What became of one account in one generation. Without an outcome it was not wholly folded."""

    generation: int
    account_id: str
    outcome: Outcome[K] | None = None
    failed: str = ""


def _stopped(generation: int, outcome: Outcome[Any]) -> Stopped:
    row = outcome.row
    return Stopped(generation, row.account_id, row.gate.version, row.gate.stopped)
