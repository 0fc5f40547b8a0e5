"""Orders at random, from a seed: what the clients of a busy bank send."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from lambdas.accounts.commands import (
    CloseAccount,
    CreditAccount,
    OpenAccount,
    Transfer,
    WithdrawFromAccount,
)
from tests.support.bank import Order, account_id

OVERDRAFT = 50


def opening(account: str, *, overdraft_limit: int = OVERDRAFT) -> Order:
    """Opens an account."""
    return Order(f"open-{account}", OpenAccount(currency="EUR", overdraft_limit=overdraft_limit), (account,))


def credit(label: str, account: str, amount: int, *, keyed: bool = False) -> Order:
    """Pays in."""
    return Order(label, CreditAccount(amount=amount), (account,), keyed)


def withdrawal(label: str, account: str, amount: int, *, keyed: bool = False) -> Order:
    """Takes out."""
    return Order(label, WithdrawFromAccount(amount=amount), (account,), keyed)


def closing(label: str, account: str, *, keyed: bool = False) -> Order:
    """Closes an account."""
    return Order(label, CloseAccount(), (account,), keyed)


def transfer(label: str, sender: str, receiver: str, amount: int, *, keyed: bool = False) -> Order:
    """Moves money."""
    command = Transfer(from_account_id=sender, to_account_id=receiver, amount=amount)
    return Order(label, command, (sender, receiver), keyed)


def one_account(rng: random.Random, label: str, accounts: Sequence[str]) -> Order:
    """Credits and withdrawals near the limit, some keyed, some on condition of a version."""
    account, amount, keyed = rng.choice(accounts), rng.randint(1, 120), rng.random() < 0.4
    order = rng.choice((credit, withdrawal))(label, account, amount, keyed=keyed)
    if rng.random() < 0.1:
        version = rng.randint(1, 60)
        return Order(label, order.command, order.account_ids, keyed, frozenset({version, version + 1}))
    return order


def ring(rng: random.Random, label: str, accounts: Sequence[str]) -> Order:
    """Transfers to the next account or back."""
    start, step = rng.randrange(len(accounts)), rng.choice((1, -1))
    receiver = accounts[(start + step) % len(accounts)]
    return transfer(label, accounts[start], receiver, rng.randint(1, 80), keyed=rng.random() < 0.4)


def anything(rng: random.Random, label: str, accounts: Sequence[str]) -> Order:
    """Every command; accounts that were not opened yet, and closed ones, too."""
    choice = rng.random()
    account, keyed = rng.choice(accounts), rng.random() < 0.5
    if choice < 0.08:
        opens = OpenAccount(currency=rng.choice(("EUR", "EUR", "EUR", "CHF")), overdraft_limit=OVERDRAFT)
        return Order(label, opens, (account,), keyed)
    if choice < 0.1:
        return closing(label, account, keyed=keyed)
    return (ring if choice < 0.5 else one_account)(rng, label, accounts)


def as_stored(order: Order) -> Order:
    """The same as a command that waits in the store."""
    return replace(order, keyed=False, expected=None, stored=True)


def accounts(count: int) -> list[str]:
    """Ids of so many accounts."""
    return [account_id(number) for number in range(1, count + 1)]
