"""Divides the commands of a batch into queues: those of one account, and of accounts that transfers join, are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lambdas.inbox.deliveries import Delivery


def queues_of(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """The queues, each in the order given. No command of one touches an account of another."""
    joined = _Joined()
    for each in deliveries:
        joined.join(each.accounts)
    queues: dict[str, list[Delivery]] = {}
    for each in deliveries:
        queues.setdefault(joined.root(each.accounts[0]), []).append(each)
    return list(queues.values())


class Stopped:
    """The accounts of a queue whose commands wait for the next delivery of the batch."""

    def __init__(self) -> None:
        self._accounts: set[str] = set()

    def stop(self, accounts: Iterable[str]) -> None:
        """A command that touches these accounts has not ended: nothing later may take effect on them."""
        self._accounts.update(accounts)

    def holds(self, accounts: Sequence[str]) -> bool:
        """Whether a command on these accounts has to wait; then those behind it on any of them wait, too."""
        if self._accounts.isdisjoint(accounts):
            return False
        self.stop(accounts)
        return True


class _Joined:
    """Disjoint sets of accounts (union-find with path halving)."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def join(self, accounts: Sequence[str]) -> None:
        root = self.root(accounts[0])
        for each in accounts[1:]:
            self._parents[self.root(each)] = root

    def root(self, account: str) -> str:
        parents = self._parents
        while (parent := parents.setdefault(account, account)) != account:
            parents[account] = account = parents[parent]
        return account
