"""Reads spans of accounts' events to their end, and names each row that is missing or cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lambdas.contracts.domain_events import AccountDomainEvent, NotPublishableError
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.store import EventStore


class Span(msgspec.Struct, frozen=True):
    """Events of an account: after < streamversion ≤ up_to; None is the newest."""

    account_id: str
    after: int = 0
    up_to: int | None = None


class Recorded:
    """The rows of a store as domain events."""

    def __init__(self, store: EventStore, *, backoff: Backoff | None = None) -> None:
        self._store = store
        self._reader = DomainEventReader(store, backoff=backoff)

    def events(self, span: Span, problems: list[str]) -> Iterator[AccountDomainEvent]:
        """The events of a span, in order. A row that is no event, and rows that are missing, go to `problems`.

        Raises what the store raises when it does not answer.
        """
        after = span.after
        while span.up_to is None or after < span.up_to:
            try:
                for event in self._reader.read(span.account_id, after=after, up_to=span.up_to):
                    yield event
                    after = event.streamversion
            except (NotPublishableError, CorruptRowError) as error:
                problems.append(str(error))
                after += 1
            except InconsistentReadError as error:
                problems.append(str(error))
                following = self._following(span, error.version)
                if following is None:
                    return
                if following > error.version + 1:
                    problems[-1] += f", nor at any up to {following - 1}"
                after = following - 1
            else:
                if span.up_to is None and after == span.after:
                    problems.append(f"account {span.account_id} has no event after version {after}")
                return

    def _following(self, span: Span, after: int) -> int | None:
        """The version of the first row of a span after one that is missing."""
        try:
            page = self._store.read(span.account_id, after=after, up_to=span.up_to, limit=1, deadline=Deadline())
        except CorruptRowError as error:
            return error.version
        return page.rows[0].version if page.rows else None
