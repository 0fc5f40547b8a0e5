"""Openings under an idempotency key: the account's id is derived from caller and key, and its first event tells what
they opened. So a repeat is answered for ever, also when its receipt is gone.
"""

from __future__ import annotations

from msgspec import Struct, UnsetType

from lambdas.accounts.business_time import given_time
from lambdas.accounts.commands import OpenAccount
from lambdas.accounts.decider import decide
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Origin
from lambdas.eventsourcing.errors import IdempotencyKeyReusedError
from lambdas.eventsourcing.timestamps import format_timestamp


class OpeningKeyReusedError(IdempotencyKeyReusedError):
    """The key has opened an account for another request; `account_id` names it."""

    def __init__(self, key: str, account_id: str) -> None:
        super().__init__(key)
        self.account_id = account_id


class OpenedBefore(Struct, frozen=True):
    """The same request opened the account before: the account as it was then, at version 1."""

    committed: Committed[Account]


def is_opening(origin: Origin[Account, AccountEvent], command: OpenAccount, actor: str) -> bool:
    """Whether a stream begins with this actor's carrying out this command.

    It compares what the command means, not its text, so it survives releases: the event that the command leads to now
    with the first one, upcast. Whether a business time was given does not show in an event, so it counts only if the
    command gives one.
    """
    (event,) = decide(command, None)
    if (origin.actor, origin.event) != (actor, event):
        return False
    if isinstance(command.occurred_at, UnsetType):
        return True
    return origin.occurred_at == format_timestamp(given_time(command.occurred_at))
