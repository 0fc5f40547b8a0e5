"""Folds the batches of the stream into all generations of one projection that take events, the live one first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

from msgspec import Struct

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import ControlRow
from lambdas.projections.folder import EventSource, Taken
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import Gate, ReadModel


class Stopped(Struct, frozen=True):
    """An account that goes on no further in a generation: the version of the last event that counts, and why."""

    generation: int
    account_id: str
    version: int
    reason: str


class Taking(Struct, frozen=True, kw_only=True):
    """What became of a batch. `live` is the live generation (0: none is), `folded` counts the events folded into it.

    `waiting` are accounts that are not wholly folded, in some generation: the batch must come again. `failed` is why,
    if something did not answer; empty: there was not time enough. `stopped` are those that were stopped by this batch.
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
        self._projection = projection
        self._rows = rows
        self._control = control
        self._events = events
        self._workers = workers

    def take(self, accounts: Mapping[str, Sequence[Taken]], deadline: Deadline) -> Taking:
        """Fold a batch, by account, into every generation. Raises nothing that a repetition may mend: see `Taking`."""
        raise NotImplementedError

    def retry(self, account_ids: Iterable[str], deadline: Deadline) -> dict[str, Gate]:
        """Let stopped accounts go on in every generation; gives their gates in the live one.

        Raises ReadModelUnavailableError, and ReadUnavailableError of the event table.
        """
        raise NotImplementedError
