"""A log in memory that holds what a test seals: tiles, index and checkpoints, without a lake."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec.structs import replace

from cli.environments.log import Log
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.index import AccountRuns, Head, Progress, Run
from lambdas.transparency.leaves import Leaf, RestoredLeaf, RowLeaf, encode_leaf
from lambdas.transparency.log_store import CHECKPOINT, CHECKPOINTS
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore
from lambdas.transparency.note import vkey
from lambdas.transparency.tiles import NOTE_TYPE, TILE_TYPE
from lambdas.transparency.tree import Frontier
from tests.support.log_signer import SeededSigner

ORIGIN = "daybook/test/000000000000/eu-central-1/0123456789abcdef"


class SealedLog:
    """Seals what it is given, each call as one seal."""

    def __init__(self, *, origin: str = ORIGIN, seed: int = 1) -> None:
        self.store, self.index, self.signer = MemoryLogStore(), MemoryLogIndex(), SeededSigner(seed)
        self.origin = origin
        self.key = vkey(origin, self.signer.public_key())
        self.leaves: list[Leaf] = []
        self._frontier = Frontier()
        self._seals = 0

    @property
    def log(self) -> Log:
        """The log as commands see it."""
        return Log(self.store, self.index, self.signer.public_key)

    def seal(self, leaves: Sequence[Leaf]) -> bytes:
        """Seal leaves, those of an account one after the other; the signed checkpoint."""
        self.leaves += leaves
        for account, each in groupby(enumerate(leaves, self._frontier.size), lambda at: at[1].account_id):
            self.index.apply([self._runs(account, list(each))], seal=self._seals)
        for write in (*self._frontier.append(map(encode_leaf, leaves)), *self._frontier.partials()):
            self.store.add(write.name, write.content, TILE_TYPE)
        signed = Checkpoint(self.origin, self._frontier.size, self._frontier.root()).signed(self.signer)
        self.store.put(f"{CHECKPOINTS}{self._seals:08}", signed, NOTE_TYPE)
        self.store.put(CHECKPOINT, signed, NOTE_TYPE)
        self.index.advance(Progress(self._seals, self._frontier.size))
        self._seals += 1
        return signed

    def _runs(self, account: str, leaves: list[tuple[int, Leaf]]) -> AccountRuns:
        """Leaves of one kind: rows, or the one of a restore."""
        at, first = leaves[0]
        if isinstance(first, RestoredLeaf):
            return self._revoked(first, at)
        end, last = leaves[-1]
        assert isinstance(last, RowLeaf)
        before = self.index.heads([account]).get(account)
        head = Head(last.version, end, last.hash, self._seals, before.restored if before else 0)
        return AccountRuns(account, None, (Run(first.version, at, len(leaves), self._seals, last.hash),), head)

    def _revoked(self, leaf: RestoredLeaf, at: int) -> AccountRuns:
        """The run that spans the last good version ends there."""
        account, version = leaf.account_id, leaf.last_good_version
        run = self.index.run_of(account, version)
        if run is None:
            return AccountRuns(account, version, (), Head(version, at, bytes(32), self._seals, leaf.generation))
        count = version - run.first_version + 1
        last = self.leaves[run.first_leaf + count - 1]
        assert isinstance(last, RowLeaf)
        head = Head(version, run.first_leaf + count - 1, last.hash, self._seals, leaf.generation)
        return AccountRuns(account, version, (replace(run, count=count, hash=last.hash),), head)
