"""Folds events into one account's row of one generation, through its gate: the only code that moves a gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeAlias

from msgspec import Struct

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import AccountRow, ReadModel


class UnreadableEvent(Struct, frozen=True):
    """An event whose envelope says where it stands, and whose type or data this release does not know."""

    account_id: str
    streamversion: int
    rowhash: str
    recordedtime: str
    reason: str


Taken: TypeAlias = AccountDomainEvent | RestoredEvent | UnreadableEvent
"""What a projector is handed for an account."""


class EventSource(Protocol):
    """Reads missing events of an account; `contracts.event_reader.DomainEventReader` is one."""

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """All events with after < streamversion ≤ up_to, in order; see DomainEventReader.read for the errors."""
        ...


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


class AccountFolder(Generic[K]):
    """Folds into the rows of one projection. Safe to use from several threads, for different accounts."""

    def __init__(self, projection: Projection[K], rows: ReadModel[K], events: EventSource) -> None:
        self._projection = projection
        self._rows = rows
        self._events = events

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
        raise NotImplementedError

    def catch_up(self, generation: int, account_id: str, deadline: Deadline, *, restart: bool = False) -> Outcome[K]:
        """Fold everything that the event table has of the account. With `restart`, also if the account is stopped."""
        raise NotImplementedError
