"""A log of any size, built without a sealer: ten versions of an account after the other, one seal."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.index import AccountRuns, Head, Run
from lambdas.transparency.leaves import RowLeaf, encode_leaf
from lambdas.transparency.log_store import CHECKPOINT
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore
from lambdas.transparency.note import VerifierKey
from lambdas.transparency.tiles import NOTE_TYPE, TILE_TYPE
from lambdas.transparency.tree import Frontier
from tests.support.log_signer import SeededSigner

ORIGIN: Final = "daybook/test/000000000000/eu-central-1/0123456789abcdef"
VERSIONS: Final = 10
SIGNER: Final = SeededSigner()
KEY: Final = VerifierKey(ORIGIN, SIGNER.public_key())


class BuiltLog(Struct, frozen=True):
    """A log of `size` entries. The index knows the accounts that were asked for."""

    size: int
    store: MemoryLogStore
    index: MemoryLogIndex

    @property
    def signed(self) -> bytes:
        """The newest checkpoint."""
        stored = self.store.get(CHECKPOINT)
        assert stored is not None
        return stored.content


def leaf_at(place: int) -> RowLeaf:
    """What stands at a place of every such log."""
    account_id = str(UUID(int=place // VERSIONS + 1, version=4))
    return RowLeaf(account_id, place % VERSIONS + 1, sha256(str(place).encode()).digest())


def built_log(*sizes: int, known: Iterator[int] | list[int] | None = None) -> BuiltLog:
    """The log after it had each of these sizes, the last of them the largest. The index knows the accounts whose
    entries stand at the places `known`, by default all."""
    store, frontier = MemoryLogStore(), Frontier()
    for size in sizes:
        entries = (encode_leaf(leaf_at(place)) for place in range(frontier.size, size))
        for write in frontier.append(entries):
            store.add(write.name, write.content, TILE_TYPE)
        for write in frontier.partials():
            store.add(write.name, write.content, TILE_TYPE)
        signed = Checkpoint(ORIGIN, size, frontier.root()).signed(SIGNER)
        store.put(CHECKPOINT, signed, NOTE_TYPE)
        store.put(f"checkpoints/{size:08}", signed, NOTE_TYPE)
    size = sizes[-1]
    accounts = range(-(-size // VERSIONS)) if known is None else {place // VERSIONS for place in known}
    index = MemoryLogIndex()
    index.apply([_runs(number, size) for number in accounts], seal=0)
    return BuiltLog(size, store, index)


def _runs(number: int, size: int) -> AccountRuns:
    first = number * VERSIONS
    count = min(VERSIONS, size - first)
    last = leaf_at(first + count - 1)
    run = Run(1, first, count, 0, last.hash)
    return AccountRuns(last.account_id, None, (run,), Head(count, first + count - 1, last.hash, 0))
