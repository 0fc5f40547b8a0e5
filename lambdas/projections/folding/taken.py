"""What comes in for an account: published events in any order, and the event table for those that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from msgspec import Struct

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import RestoredEvent


class UnreadableEvent(Struct, frozen=True):
    """An event whose envelope says where it stands, and whose type or data this release does not know."""

    account_id: str
    streamversion: int
    rowhash: str
    recordedtime: str
    reason: str


Delivered: TypeAlias = AccountDomainEvent | UnreadableEvent
"""An event of an account's history."""
Taken: TypeAlias = Delivered | RestoredEvent
"""What a projector is handed for an account."""


class EventSource(Protocol):
    """Reads missing events of an account; `contracts.event_reader.DomainEventReader` is one."""

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """All events with after < streamversion ≤ up_to, in order; see DomainEventReader.read for the errors."""
        ...
