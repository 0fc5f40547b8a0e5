"""The tiles of a log and their names.

Source: C2SP, tlog-tiles (c2sp.org/tlog-tiles): tiles of 256 hashes, `tile/<L>/<N>[.p/<W>]`, entry bundles
`tile/entries/<N>[.p/<W>]`, numbers in path elements of three digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from lambdas.transparency.errors import MalformedError

WIDTH: Final = 256
"""Hashes in a full tile, and entries in a full bundle."""

TILE_TYPE: Final = "application/octet-stream"
NOTE_TYPE: Final = "text/plain; charset=utf-8"
"""Content types of tiles and bundles, and of checkpoints. Source: C2SP, tlog-tiles."""

LONGEST_ENTRY: Final = 0xFFFF
"""Bytes of an entry at most: its length stands before it in two bytes."""


class Tile(Struct, frozen=True):
    """The tile `index` of a level, with the first `width` of its 256 hashes.

    Each is the root of a full tile of the level below, and on level 0 the hash of an entry.
    """

    level: int
    index: int
    width: int

    @property
    def name(self) -> str:
        """The name of its object."""
        return tile_name(self.level, self.index, self.width)


def tile_name(level: int, index: int, width: int) -> str:
    """The name of a tile's object."""
    return f"tile/{level}/{_place(index, width)}"


def bundle_name(index: int, width: int) -> str:
    """The name of the object with the entries of a tile of level 0."""
    return f"tile/entries/{_place(index, width)}"


def _place(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    elements = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{element}" for element in elements[:-1]), elements[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile as a log of this size has it: full, or as wide as the log reaches (0: it has none)."""
    hashes = size >> (8 * level)
    return Tile(level, index, max(0, min(WIDTH, hashes - index * WIDTH)))


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of a log of a size, from level 0 upwards."""
    level = 0
    while hashes := size >> (8 * level):
        for index in range(-(-hashes // WIDTH)):
            yield tile_at(level, index, size)
        level += 1


def rightmost(size: int) -> Iterator[Tile]:
    """The partial tiles of a log of a size, from level 0 upwards: one a level at most."""
    level = 0
    while hashes := size >> (8 * level):
        if hashes % WIDTH:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)
        level += 1


def framed(entry: bytes) -> bytes:
    """An entry as a bundle holds it, its length in two bytes before it. Raises MalformedError if it is too long."""
    if len(entry) > LONGEST_ENTRY:
        raise MalformedError(f"an entry of {len(entry)} bytes; at most {LONGEST_ENTRY} fit a bundle")
    return len(entry).to_bytes(2, "big") + entry


def entries_of(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises MalformedError if it does not end where an entry ends."""
    entries: list[bytes] = []
    at = 0
    while at < len(bundle):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        entries.append(bundle[start:at])
    if at != len(bundle):
        raise MalformedError("an entry bundle is cut off")
    return entries
