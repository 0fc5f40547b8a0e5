"""Fills a consumer's gap: reads the missing domain events of one account from the event table.

It needs `dynamodb:Query` on the event table and `kms:Decrypt` on its key, and nothing else. Consumers use this reader
only: how rows are laid out is not part of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.store import EventStore

PAGE_EVENTS = 500
MAX_READS_ON_HOLE = 5


class DomainEventReader:
    """Reads domain events of one account by their `streamversion`."""

    def __init__(
        self,
        store: EventStore,
        *,
        new_deadline: Callable[[], Deadline] = Deadline,
        backoff: Backoff | None = None,
    ) -> None:
        self._store = store
        self._new_deadline = new_deadline
        self._backoff = backoff or Backoff()

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """All events with after < streamversion ≤ up_to, in order; without `up_to` to the newest that is recorded.

        They equal the published ones. Raises NotPublishableError or CorruptRowError, after all earlier events, at an
        event that could not be published (a dead letter); InconsistentReadError at an event that stays missing, also
        the last of the range; ReadUnavailableError.
        """
        attempt = 0
        while up_to is None or after < up_to:
            try:
                page = self._store.read(
                    account_id, after=after, up_to=up_to, limit=PAGE_EVENTS, deadline=self._new_deadline()
                )
            except CorruptRowError as error:
                yield from self.read(account_id, after=after, up_to=error.version - 1)
                raise
            start = after
            for row in page.rows:
                if row.version != after + 1:
                    break
                yield domain_event(row)
                after = row.version
            else:
                if up_to is None and not page.more:
                    return
            attempt = attempt + 1 if after == start else 0
            if attempt == MAX_READS_ON_HOLE:
                raise InconsistentReadError(account_id, after + 1)
            if attempt:
                self._backoff.pause(attempt)


def open_reader(event_table: str) -> DomainEventReader:
    """A reader of the named table, with the credentials and the region of the process."""
    return DomainEventReader(DynamoDBEventStore(dynamodb_client(), event_table=event_table))
