"""What became of the commands of a batch."""

from __future__ import annotations

import msgspec

from lambdas.inbox.deliveries import Delivery
from lambdas.inbox.reasons import reason_of


class Failure(msgspec.Struct, frozen=True):
    """A command that failed for a technical reason; the ids are empty when the stream record has none."""

    account_id: str
    command_id: str
    reason: str
    correlation_id: str = ""


class Processed(msgspec.Struct):
    """Counts of commands. `left` have not ended, failures included; `repeated` had ended before (redelivery).

    `differing` are records that tell a command otherwise than it is stored: nothing is done, and none is left.
    """

    succeeded: int = 0
    rejected: int = 0
    repeated: int = 0
    left: int = 0
    failures: list[Failure] = []
    differing: list[Failure] = []

    def add(self, other: Processed) -> None:
        """Add the counts and failures of `other`."""
        self.succeeded += other.succeeded
        self.rejected += other.rejected
        self.repeated += other.repeated
        self.left += other.left
        self.failures = [*self.failures, *other.failures]
        self.differing = [*self.differing, *other.differing]


def failure_of(delivery: Delivery, reason: str) -> Failure:
    """A command and why it failed."""
    return Failure(delivery.key.account_id, delivery.key.command_id, reason, delivery.correlation_id)


def failed(delivery: Delivery, error: Exception) -> Processed:
    """One command that failed, and so is left."""
    return Processed(left=1, failures=[failure_of(delivery, reason_of(error))])


def unreadable(error: Exception) -> Processed:
    """A record that does not say which command it is about."""
    return Processed(left=1, failures=[Failure("", "", str(error))])
