"""What a command asks of the event store: the streams it is about, and its decision on their states."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from msgspec import Struct

from lambdas.accounts.commands import AccountCommand, OpenAccount, Transfer
from lambdas.accounts.decider import decide, decide_transfer
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.service.test_currency import check_caller


class Task(Struct, frozen=True):
    """`decide` takes a state for each stream; `opens`: the streams are expected to be new."""

    stream_ids: tuple[str, ...]
    decide: Callable[..., Sequence[Sequence[AccountEvent]]]
    opens: bool = False


def task_of(command: AccountCommand, account_id: str, *, actor: str, test_callers: Collection[str]) -> Task:
    """The task of a command to one account. Only `test_callers` may open one in the test currency."""
    decision = partial(_decide, command, actor, test_callers)
    return Task((account_id,), decision, opens=isinstance(command, OpenAccount))


def transfer_task(command: Transfer, transfer_id: str) -> Task:
    """The task of a transfer, whose events carry `transfer_id`."""
    return Task((command.from_account_id, command.to_account_id), _transfer(command, transfer_id))


def _decide(
    command: AccountCommand, actor: str, test_callers: Collection[str], state: Account | None
) -> tuple[Sequence[AccountEvent], ...]:
    check_caller(command, actor, test_callers)
    return (decide(command, state),)


def _transfer(
    command: Transfer, transfer_id: str
) -> Callable[[Account | None, Account | None], tuple[Sequence[AccountEvent], ...]]:
    def decide_accounts(sender: Account | None, receiver: Account | None) -> tuple[Sequence[AccountEvent], ...]:
        sent, received = decide_transfer(command, sender, receiver, transfer_id)
        return (sent,), (received,)

    return decide_accounts
