"""Logs that grow by batches, with the root at each size at which they were, and a copy of theirs on a disk."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from lambdas.transparency.hashing import EMPTY_ROOT, leaf_hash, node_hash
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tiles import TILE_TYPE
from lambdas.transparency.tree import Frontier


def some_entries(count: int, *, seed: int = 1, longest: int = 90) -> list[bytes]:
    """Different entries, of different lengths."""
    chance = random.Random(seed)
    return [b"%d " % number + chance.randbytes(chance.randrange(longest)) for number in range(count)]


class GrownLog:
    """A log without seals and checkpoints: entries, tiles and bundles. `roots` has each size at which it stood."""

    def __init__(self) -> None:
        self.store = MemoryLogStore()
        self.entries: list[bytes] = []
        self.roots = {0: EMPTY_ROOT}

    @property
    def size(self) -> int:
        return len(self.entries)

    def reader(self) -> TileReader:
        return TileReader(self.store)

    def grow(self, batch: Sequence[bytes]) -> None:
        """Take a batch as a run of the sealer does: from the tiles that stand there."""
        frontier = Frontier.read(self.reader(), self.size)
        assert frontier.root() == self.roots[self.size]
        put(self.store, frontier, batch)
        self.entries += batch
        self.roots[self.size] = frontier.root()


def put(store: LogStore, frontier: Frontier, batch: Iterable[bytes]) -> None:
    """Append a batch, and put all tiles and bundles that this makes: what is there already must be the same."""
    for name, content in [*frontier.append(batch), *frontier.partials()]:
        if not store.add(name, content, TILE_TYPE):
            stored = store.get(name)
            assert stored is not None
            assert stored.content == content, f"{name} is there, with other bytes"


def built_at_once(entries: Iterable[bytes]) -> GrownLog:
    """A log of one batch."""
    log = GrownLog()
    log.grow(list(entries))
    return log


def grown_one_by_one(entries: Sequence[bytes]) -> GrownLog:
    """A log that stood at every size."""
    log, frontier = GrownLog(), Frontier()
    for entry in entries:
        put(log.store, frontier, [entry])
        log.entries.append(entry)
        log.roots[log.size] = frontier.root()
    return log


def root_by_definition(entries: Sequence[bytes]) -> bytes:
    """The Merkle tree hash as RFC 6962, section 2.1, defines it."""
    if not entries:
        return EMPTY_ROOT
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = max(1 << power for power in range(len(entries).bit_length()) if 1 << power < len(entries))
    return node_hash(root_by_definition(entries[:split]), root_by_definition(entries[split:]))


def copy_to(store: MemoryLogStore, folder: Path) -> Path:
    """A plain copy of the log's objects, as files by their names."""
    for name, (content, _) in store.contents().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
