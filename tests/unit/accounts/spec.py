"""given(events).when(command).then(events), or .then_error(error)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from lambdas.accounts.commands import AccountCommand, Transfer
from lambdas.accounts.decider import decide, decide_transfer
from lambdas.accounts.errors import DomainError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account, evolve

A = "00000000-0000-4000-8000-00000000000a"
B = "00000000-0000-4000-8000-00000000000b"
TRANSFER_ID = "00000000-0000-4000-8000-0000000000ff"


def fold(events: Iterable[AccountEvent], state: Account | None = None) -> Account | None:
    """The state after `events`, starting from `state`."""
    for event in events:
        state = evolve(state, event)
    return state


@dataclass(frozen=True)
class Given:
    """The past of one account."""

    events: tuple[AccountEvent, ...]

    def when(self, command: AccountCommand) -> When:
        return When(self.events, command)


@dataclass(frozen=True)
class When:
    """A command on that past."""

    events: tuple[AccountEvent, ...]
    command: AccountCommand

    def then(self, *expected: AccountEvent) -> None:
        assert decide(self.command, fold(self.events)) == expected

    def then_error(self, error: type[DomainError]) -> None:
        with pytest.raises(DomainError) as raised:
            decide(self.command, fold(self.events))
        assert type(raised.value) is error


@dataclass(frozen=True)
class GivenTwo:
    """The pasts of a sender and a receiver."""

    sender: tuple[AccountEvent, ...]
    receiver: tuple[AccountEvent, ...]

    def when(self, command: Transfer) -> WhenTransfer:
        return WhenTransfer(self, command)


@dataclass(frozen=True)
class WhenTransfer:
    """A transfer between them."""

    given: GivenTwo
    command: Transfer

    def then(self, sent: AccountEvent, received: AccountEvent) -> None:
        assert self._decide() == (sent, received)

    def then_error(self, error: type[DomainError]) -> None:
        with pytest.raises(DomainError) as raised:
            self._decide()
        assert type(raised.value) is error

    def _decide(self) -> tuple[AccountEvent, AccountEvent]:
        return decide_transfer(
            self.command, fold(self.given.sender), fold(self.given.receiver), transfer_id=TRANSFER_ID
        )


def given(*events: AccountEvent) -> Given:
    """The past of one account; nothing for one that was not opened."""
    return Given(events)


def given_two(sender: tuple[AccountEvent, ...], receiver: tuple[AccountEvent, ...]) -> GivenTwo:
    """The pasts of two accounts."""
    return GivenTwo(sender, receiver)
