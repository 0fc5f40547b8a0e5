"""The tree as it grows. Only its right edge is in memory; the rest stands in tiles.

Source: RFC 6962, section 2.1, for the root; C2SP, tlog-tiles, for what stands in tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from lambdas.transparency.errors import LogConflictError
from lambdas.transparency.hashing import EMPTY_ROOT, SIZE, leaf_hash, perfect_root
from lambdas.transparency.tile_reader import TileReader, joined
from lambdas.transparency.tiles import WIDTH, bundle_name, framed, rightmost, tile_name

_FULL = WIDTH * SIZE


class TileWrite(NamedTuple):
    """A tile or a bundle, as an object of the log."""

    name: str
    content: bytes


class Frontier:
    """What of a tree must be known to let it grow: its size, the partial tile of each level, and the partial bundle."""

    def __init__(self) -> None:
        """The tree without entries."""
        self._size = 0
        self._tiles: list[bytearray] = []
        self._bundle = bytearray()

    @classmethod
    def read(cls, reader: TileReader, size: int) -> Frontier:
        """The frontier of a log of this size. Whether its root is the right one, the caller knows.

        Raises LogUnavailableError, and LogConflictError if a partial tile is missing or the entries are not its own.
        """
        frontier = cls()
        frontier._size = size
        frontier._tiles = [bytearray() for _ in range(-(-size.bit_length() // 8))]
        for tile in rightmost(size):
            frontier._tiles[tile.level] = bytearray(reader.tile(tile))
        if width := size % WIDTH:
            entries = reader.bundle(size // WIDTH, width)
            if b"".join(map(leaf_hash, entries)) != frontier._tiles[0]:
                name = bundle_name(size // WIDTH, width)
                raise LogConflictError(f"the entries of {name} are not those whose hashes the tile of level 0 holds")
            frontier._bundle = bytearray(b"".join(map(framed, entries)))
        return frontier

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self._size

    def append(self, entries: Iterable[bytes]) -> Iterator[TileWrite]:
        """Let the tree grow, and yield tiles and bundles as they fill; lazy: nothing grows until it is iterated over.

        A tile comes after all that it is made of. Raises MalformedError if an entry is longer than 65,535 bytes.
        """
        if not self._tiles:
            self._tiles.append(bytearray())
        leaves = self._tiles[0]
        for entry in entries:
            self._bundle += framed(entry)
            leaves += sha256(b"\x00" + entry).digest()
            self._size += 1
            if len(leaves) == _FULL:
                yield from self._filled()

    def _filled(self) -> Iterator[TileWrite]:
        yield TileWrite(bundle_name(self._size // WIDTH - 1, WIDTH), bytes(self._bundle))
        self._bundle.clear()
        level = 0
        while len(self._tiles[level]) == _FULL:
            content = bytes(self._tiles[level])
            yield TileWrite(tile_name(level, (self._size >> (8 * (level + 1))) - 1, WIDTH), content)
            self._tiles[level].clear()
            level += 1
            if level == len(self._tiles):
                self._tiles.append(bytearray())
            self._tiles[level] += perfect_root(content)

    def partials(self) -> Iterator[TileWrite]:
        """The partial bundle and the partial tiles of the tree as it is now."""
        if self._bundle:
            yield TileWrite(bundle_name(self._size // WIDTH, self._size % WIDTH), bytes(self._bundle))
        for tile in rightmost(self._size):
            yield TileWrite(tile.name, bytes(self._tiles[tile.level]))

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        parts = [part for tile in reversed(self._tiles) for part in _perfect_parts(bytes(tile))]
        return joined(parts) if parts else EMPTY_ROOT


def _perfect_parts(hashes: bytes) -> Iterator[bytes]:
    """The roots of the perfect subtrees in a partial tile, the largest first."""
    at = 0
    while at < len(hashes):
        width = 1 << ((len(hashes) - at) // SIZE).bit_length() - 1
        yield perfect_root(hashes[at : at + width * SIZE])
        at += width * SIZE
