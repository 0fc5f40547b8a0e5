"""One example of every domain event: instances of the classes, so that they cannot fall behind them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.contracts.examples import ACCOUNT_ID, CORRELATION_ID, OTHER_ACCOUNT_ID, TRANSFER_ID
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.service.decider import ACCOUNT_DECIDER

_COMMAND_ID: Final = "5d1f6a52-8a0b-4a53-9d0e-7a1b1b0f9c11"
_EVENTS: Final[tuple[AccountEvent, ...]] = (
    AccountCreated(currency="EUR", overdraft_limit=5000),
    BalanceCredited(amount=10000, currency="EUR", reference="invoice 4711"),
    BalanceWithdrawn(amount=1000, currency="EUR"),
    TransferSent(
        transfer_id=TRANSFER_ID, to_account_id=OTHER_ACCOUNT_ID, amount=1000, currency="EUR", reference="rent"
    ),
    TransferReceived(transfer_id=TRANSFER_ID, from_account_id=OTHER_ACCOUNT_ID, amount=1000, currency="EUR"),
    AccountClosed(),
)


def _published(version: int, event: AccountEvent) -> AccountDomainEvent:
    name, schema, data = ACCOUNT_DECIDER.codec.encode(event)
    metadata = msgspec.json.encode(Metadata(_COMMAND_ID, CORRELATION_ID, "not published")).decode()
    return domain_event(
        EventRow(
            stream_id=ACCOUNT_ID,
            version=version,
            commit_id="not published",
            type=name,
            schema=schema,
            data=data,
            metadata=metadata,
            occurred_at="2026-03-01T09:30:00.000000Z",
            recorded_at="2026-03-01T09:30:00.250000Z",
            hash=b"",
        )
    )


def event_examples() -> dict[type, Any]:
    """Class of the event to its document, as JSON values: the life of one account."""
    return {
        type(event): msgspec.to_builtins(_published(version, event)) for version, event in enumerate(_EVENTS, start=1)
    }
