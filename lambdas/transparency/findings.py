"""What a run of the sealer says: what it sealed, holes, for which events wait, and forks."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

NAMED: Final = 100
"""How many holes and forks are named; all are counted."""


class Hole(Struct, frozen=True):
    """The lake lacks this version of an account, and what comes after it waits since this moment."""

    account_id: str
    version: int
    since: str


class Fork(Struct, frozen=True):
    """The lake holds another hash at a version than the log, or two hashes at a new one (Base64)."""

    account_id: str
    version: int
    expected: str
    found: str


class Findings(Struct):
    """What a run found besides leaves. A hole is overdue if it is one since before `overdue_before`.

    `oldest_dt` is the earliest day of arrival of what waits: it has to be read again. `next_account` is the first
    account that was not looked at, because time ran out.
    """

    overdue_before: str
    holes: list[Hole] = []
    hole_count: int = 0
    overdue_count: int = 0
    forks: list[Fork] = []
    fork_count: int = 0
    oldest_dt: str = ""
    next_account: str = ""

    def hole(self, hole: Hole) -> None:
        """Note a hole."""
        self.hole_count += 1
        self.overdue_count += hole.since < self.overdue_before
        if len(self.holes) < NAMED:
            self.holes.append(hole)

    def fork(self, fork: Fork) -> None:
        """Note a fork."""
        self.fork_count += 1
        if len(self.forks) < NAMED:
            self.forks.append(fork)

    def waits(self, dt: str) -> None:
        """Note that something waits that arrived on a day: the window stays open for it."""
        self.oldest_dt = min(self.oldest_dt or dt, dt)


class Sealed(Struct, frozen=True):
    """The outcome of a run: the seals that it decided, their leaves, and the log as it is now.

    `root` is Base64, `checkpoint` the signed note, `vkey` the key that verifies it. The first hundred holes and forks
    are named, and all counted. Not `complete`: time ran out, and the next run goes on at the account where it did.
    """

    seals: tuple[int, ...]
    leaves: int
    size: int
    root: str
    checkpoint: str
    vkey: str
    holes: tuple[Hole, ...]
    hole_count: int
    overdue_count: int
    forks: tuple[Fork, ...]
    fork_count: int
    complete: bool
