"""The Decider of accounts: what the event store needs from the domain."""

from __future__ import annotations

from lambdas.accounts.codec import EVENT_SCHEMAS, STATE_SCHEMA, WRITES
from lambdas.accounts.errors import DomainError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account, evolve
from lambdas.eventsourcing.codec import Codec
from lambdas.eventsourcing.decider import Decider
from lambdas.eventsourcing.schemas import EventType, StateType

ACCOUNT_DECIDER: Decider[Account, AccountEvent] = Decider(
    evolve=evolve,
    codec=Codec(
        [EventType(each.cls, each.version, each.upcasters, each.downcasters) for each in EVENT_SCHEMAS],
        StateType(STATE_SCHEMA.cls, STATE_SCHEMA.version, STATE_SCHEMA.upcasters, STATE_SCHEMA.downcasters),
        writes=WRITES,
    ),
    rejection=DomainError,
)
