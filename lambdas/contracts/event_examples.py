"""The example of every event, as it is published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from lambdas.accounts.events import AccountEvent
from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.contracts.examples import ACCOUNT_ID, EVENT_EXAMPLES, event_example
from lambdas.contracts.ledger_events import Restored, RestoredEvent, restored_event
from lambdas.contracts.reply_examples import CORRELATION_ID
from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.service.decider import ACCOUNT_DECIDER

_COMMAND_ID: Final = "5d1f6a52-8a0b-4a53-9d0e-7a1b1b0f9c11"


def _row(version: int, event: AccountEvent) -> EventRow:
    name, schema, data = ACCOUNT_DECIDER.codec.encode(event)
    metadata = msgspec.json.encode(Metadata(_COMMAND_ID, CORRELATION_ID, "not published")).decode()
    return EventRow(
        stream_id=ACCOUNT_ID,
        version=version,
        commit_id="not published",
        type=name,
        schema=schema,
        data=data,
        metadata=metadata,
        occurred_at="2026-03-01T09:30:00.000Z",
        recorded_at="2026-03-01T09:30:00.250Z",
        hash=b"",
    )


def published_examples() -> Iterator[AccountDomainEvent]:
    """The example of every event, as the history of one account."""
    previous = GENESIS
    for version, event in enumerate(EVENT_EXAMPLES, start=1):
        row = _row(version, event)
        previous = row_hash(previous, row)
        yield domain_event(msgspec.structs.replace(row, hash=previous))


def restored_example() -> RestoredEvent:
    """The account of the other examples, restored to where it was after its third event."""
    return restored_event(
        ACCOUNT_ID,
        last_good_version=3,
        restored_to=datetime(2026, 3, 1, 9, 30, 30, tzinfo=UTC),
        generation=2,
        announced=datetime(2026, 3, 1, 11, 15, tzinfo=UTC),
    )


def published_example(event: type[msgspec.Struct]) -> Any:
    """The document of the example of an event, as JSON values. Raises ContractIncompleteError."""
    if event is Restored:
        return msgspec.to_builtins(restored_example())
    example = event_example(event)
    return msgspec.to_builtins(list(published_examples())[EVENT_EXAMPLES.index(example)])
