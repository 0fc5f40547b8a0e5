"""A bank whose requests are metered, and the histories that its commands meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lambdas.accounts.errors import DomainError
from lambdas.eventsourcing.errors import PreconditionFailedError
from lambdas.service.account_service import AccountService
from tests.support.backends import NO_WAITING, DynamoDBBackend
from tests.support.bank import new_bank
from tests.support.clocks import TickingClock
from tests.support.metering import MeteredClient, Usage
from tests.support.worst_case import at_the_end_of


@dataclass
class Bench:
    """A bank on a metered client, a clock, and a way to put histories in place."""

    backend: DynamoDBBackend
    client: MeteredClient
    clock: TickingClock

    def cold(self) -> AccountService:
        """A bank that remembers nothing."""
        return new_bank(self.backend.on(self.client), self.clock, backoff=NO_WAITING)

    def warm(self, *account_ids: str) -> AccountService:
        """A bank that remembers these accounts."""
        bank = self.cold()
        for account_id in account_ids:
            bank.account(account_id)
        return bank

    def history(self, account_id: str, length: int) -> str:
        """The newest rows of an account of so many events, each as large as can be; gives its id."""
        self.backend.seed(at_the_end_of(length, account_id, self.clock))
        return account_id

    def usage(self, call: Callable[[], object]) -> Usage:
        """What a call asks for; domain errors and failed preconditions are answers, too."""
        with self.client.measure() as usage, suppress(DomainError, PreconditionFailedError):
            call()
        return usage


def costs(usage: Usage, operations: Sequence[str], *, write_units: int = 0, read_units: float = 0) -> None:
    """These operations in this order, exactly these write units, at most these read units."""
    assert usage.operations == list(operations)
    assert usage.write_units == write_units
    assert usage.read_units <= read_units
