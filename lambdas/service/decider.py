"""The Decider of accounts: what the event store needs from the domain."""

from __future__ import annotations

from lambdas.accounts.codec import EVENT_SCHEMAS, STATE_SCHEMA
from lambdas.accounts.errors import DomainError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account, evolve
from lambdas.eventsourcing.codec import Codec, EventType, StateType
from lambdas.eventsourcing.decider import Decider

ACCOUNT_DECIDER: Decider[Account, AccountEvent] = Decider(
    evolve=evolve,
    codec=Codec(
        [EventType(schema.cls, schema.version, schema.upcasters) for schema in EVENT_SCHEMAS],
        StateType(STATE_SCHEMA.cls, STATE_SCHEMA.version, STATE_SCHEMA.upcasters),
    ),
    rejection=DomainError,
)
