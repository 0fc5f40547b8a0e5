"""Hashes and entries of the log, read from its tiles and bundles. Many are kept in memory, up to a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from lambdas.transparency.errors import LogConflictError, MalformedError
from lambdas.transparency.hashing import SIZE, node_hash, perfect_root
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.tiles import WIDTH, Tile, bundle_name, entries_of, tile_at, tile_name

KEPT: Final = 256
"""How many tiles and bundles are kept: 2 MB of tiles."""


class TileReader:
    """Reads what a log of some size holds. Safe to use from several threads.

    A partial tile may be read from the full one, which begins with the same hashes, and which a log may keep in its
    place (tlog-tiles, "Partial Tiles"). Methods raise LogUnavailableError, and LogConflictError if an object is missing
    or not of the length that it must have. Whether the hashes are the right ones, is checked by whoever computes a root
    or a proof of them.
    """

    def __init__(self, store: LogStore, *, kept: int = KEPT) -> None:
        self._store = store
        self._kept = kept
        self._objects: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile, one after the other."""
        content = self._either(tile.name, tile_name(tile.level, tile.index, WIDTH))
        if len(content) not in (tile.width * SIZE, WIDTH * SIZE):
            raise LogConflictError(f"{tile.name} has {len(content)} bytes instead of {tile.width * SIZE}")
        return content[: tile.width * SIZE]

    def bundle(self, index: int, width: int) -> list[bytes]:
        """The entries of a tile of level 0 of this width."""
        name = bundle_name(index, width)
        try:
            entries = entries_of(self._either(name, bundle_name(index, WIDTH)))
        except MalformedError as error:
            raise LogConflictError(f"{name}: {error}") from error
        if len(entries) not in (width, WIDTH):
            raise LogConflictError(f"{name} has {len(entries)} entries instead of {width}")
        return entries[:width]

    def hashes(self, level: int, start: int, end: int, size: int) -> list[bytes]:
        """The hashes start … end − 1 of a level of tiles, in a log of this size."""
        found: list[bytes] = []
        for index in range(start // WIDTH, -(-end // WIDTH)):
            first = index * WIDTH
            content = self.tile(tile_at(level, index, size))
            places = range(max(start, first) - first, min(end, first + WIDTH) - first)
            found += [content[at * SIZE : (at + 1) * SIZE] for at in places]
        return found

    def entry(self, index: int, size: int) -> bytes:
        """The entry of a leaf, in a log of this size."""
        tile = tile_at(0, index // WIDTH, size)
        return self.bundle(tile.index, tile.width)[index % WIDTH]

    def root(self, first: int, last: int, size: int) -> bytes:
        """The root over the entries first … last − 1 of a log of this size, at least one.

        `first` is a multiple of a power of two that is no less than their number. Source: RFC 6962, section 2.1.
        """
        parts = [self._perfect(height, index, size) for height, index in perfect_subtrees(first, last)]
        return joined(parts)

    def _perfect(self, height: int, index: int, size: int) -> bytes:
        level, rest = divmod(height, 8)
        return perfect_root(b"".join(self.hashes(level, index << rest, (index + 1) << rest, size)))

    def _either(self, name: str, full: str) -> bytes:
        with self._lock:
            for known in (name, full):
                if (content := self._objects.get(known)) is not None:
                    self._objects.move_to_end(known)
                    return content
        for asked in dict.fromkeys((name, full)):
            if stored := self._store.get(asked):
                self._keep(asked, stored.content)
                return stored.content
        raise LogConflictError(f"{name} is missing")

    def _keep(self, name: str, content: bytes) -> None:
        with self._lock:
            self._objects[name] = content
            while len(self._objects) > self._kept:
                self._objects.popitem(last=False)


def perfect_subtrees(first: int, last: int) -> list[tuple[int, int]]:
    """The largest perfect subtrees that the entries first … last − 1 are made of, from left to right.

    Of each its height, and its place among those of its height. `first` is as in `TileReader.root`.
    """
    parts: list[tuple[int, int]] = []
    while first < last:
        height = (last - first).bit_length() - 1
        parts.append((height, first >> height))
        first += 1 << height
    return parts


def joined(parts: Sequence[bytes]) -> bytes:
    """The root over subtrees that stand side by side, each smaller than the one before. At least one."""
    root = parts[-1]
    for left in reversed(parts[:-1]):
        root = node_hash(left, root)
    return root
