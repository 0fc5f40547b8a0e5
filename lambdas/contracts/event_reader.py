"""Fills a consumer's gap: reads the missing domain events of one account from the event table.

It needs `dynamodb:Query` on the event table and `kms:Decrypt` on its key, and nothing else. Consumers use this reader
only: how rows are laid out is not part of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.row_reader import RowReader
from lambdas.eventsourcing.store import EventStore


class DomainEventReader:
    """Reads domain events of one account by their `streamversion`."""

    def __init__(
        self,
        store: EventStore,
        *,
        new_deadline: Callable[[], Deadline] = Deadline,
        backoff: Backoff | None = None,
    ) -> None:
        self._rows = RowReader(store, new_deadline=new_deadline, backoff=backoff)

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """All events with after < streamversion ≤ up_to, in order; without `up_to` to the newest that is recorded.

        They equal the published ones. Raises NotPublishableError or CorruptRowError, after all earlier events, at an
        event that could not be published (a dead letter); InconsistentReadError at an event that stays missing, also
        the last of the range; ReadUnavailableError.
        """
        yield from map(domain_event, self._rows.read(account_id, after=after, up_to=up_to))


def open_reader(event_table: str) -> DomainEventReader:
    """A reader of the named table, with the credentials and the region of the process."""
    return DomainEventReader(DynamoDBEventStore(dynamodb_client(), event_table=event_table))
