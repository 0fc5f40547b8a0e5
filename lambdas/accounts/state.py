"""What an account is after its events. None stands for an account that was not opened."""

from __future__ import annotations

from typing import Literal, assert_never

from msgspec import Struct

from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.money import CurrencyCode


class Account(Struct, frozen=True, gc=False):
    """The folded state, also stored as the snapshot. `balance` and `overdraft_limit` in minor units.

    Text and numbers make no cycles, so the garbage collector need not track it (`gc=False`).
    """

    status: Literal["open", "closed"]
    currency: CurrencyCode
    balance: int
    overdraft_limit: int


def evolve(state: Account | None, event: AccountEvent) -> Account:
    """Fold one event into the state. Total: it checks no rule and returns a state for every pair."""
    match event:
        case BalanceCredited() | TransferReceived():
            return _with_balance_moved(state, event.currency, event.amount)
        case BalanceWithdrawn() | TransferSent():
            return _with_balance_moved(state, event.currency, -event.amount)
        case AccountCreated():
            return Account("open", event.currency, 0, event.overdraft_limit)
        case AccountClosed():
            if state is None:
                return Account("closed", event.currency, 0, 0)
            return Account("closed", state.currency, state.balance, state.overdraft_limit)
        case _:
            assert_never(event)


def _with_balance_moved(state: Account | None, currency: str, amount: int) -> Account:
    if state is None:
        return Account("open", currency, amount, 0)
    return Account(state.status, state.currency, state.balance + amount, state.overdraft_limit)
