"""What became of the commands of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed
from lambdas.inbox import table
from lambdas.inbox.deliveries import Content, Delivery
from lambdas.inbox.outcomes import rejection_type
from lambdas.inbox.reasons import reason_of


class Failure(msgspec.Struct, frozen=True):
    """A command that failed for a technical reason; the ids are empty when the stream record has none."""

    account_id: str
    command_id: str
    reason: str
    correlation_id: str = ""


class Ended(msgspec.Struct, frozen=True):
    """A command that this batch ended, as the log tells of it: `events` are the ids of its events as published,
    `problem` the code of its problem if it was rejected."""

    account_id: str
    command_id: str
    correlation_id: str
    status: str
    events: Sequence[str] = ()
    problem: str = ""


class Processed(msgspec.Struct):
    """Counts of commands, and those that `ended` now.

    `left` have not ended, failures included; `repeated` had ended before (redelivery).
    `differing` are records that tell a command otherwise than it is stored: nothing is done, and none is left.
    """

    succeeded: int = 0
    rejected: int = 0
    repeated: int = 0
    left: int = 0
    failures: list[Failure] = []
    differing: list[Failure] = []
    ended: list[Ended] = []

    def add(self, other: Processed) -> None:
        """Add the counts and failures of `other`."""
        self.succeeded += other.succeeded
        self.rejected += other.rejected
        self.repeated += other.repeated
        self.left += other.left
        self.failures = [*self.failures, *other.failures]
        self.differing = [*self.differing, *other.differing]
        self.ended = [*self.ended, *other.ended]


def failure_of(delivery: Delivery, reason: str) -> Failure:
    """A command and why it failed."""
    return Failure(delivery.key.account_id, delivery.key.command_id, reason, delivery.correlation_id)


def failed(delivery: Delivery, error: Exception) -> Processed:
    """One command that failed, and so is left."""
    return Processed(left=1, failures=[failure_of(delivery, reason_of(error))])


def unreadable(error: Exception) -> Processed:
    """A record that does not say which command it is about."""
    return Processed(left=1, failures=[Failure("", "", str(error))])


def ended(delivery: Delivery, end: Committed[Account] | Exception) -> Ended:
    """How a command ended now: with its events, or with its rejection."""
    content, key = delivery.content, delivery.key
    correlation_id = content.row.correlation_id if isinstance(content, Content) else delivery.correlation_id
    if isinstance(end, Committed):
        events = [f"{each.stream_id}/{each.version}" for each in end.streams]
        return Ended(key.account_id, key.command_id, correlation_id, table.SUCCEEDED, events)
    return Ended(key.account_id, key.command_id, correlation_id, table.REJECTED, problem=rejection_type(end).code)
