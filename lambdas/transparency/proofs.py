"""Proofs that an entry is in the log, and that a log holds an earlier one unchanged.

Made as RFC 6962 says in sections 2.1.1 and 2.1.2, and verified by the algorithms of RFC 9162, sections 2.1.3.2 and
2.1.4.2: they use nothing but the sizes, the proof and the roots.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lambdas.transparency.errors import ProofError
from lambdas.transparency.hashing import EMPTY_ROOT, SIZE, node_hash
from lambdas.transparency.tile_reader import TileReader, perfect_subtrees
from lambdas.transparency.tiles import WIDTH, Tile, tile_at


class Span(NamedTuple):
    """The entries first … last − 1: a subtree, whose root is one hash of a proof."""

    first: int
    last: int


def inclusion(reader: TileReader, index: int, size: int) -> list[bytes]:
    """The proof that the entry `index` is in a log of a size, from the leaf upwards: RFC 6962, section 2.1.1.

    Raises LogUnavailableError, LogConflictError, and ProofError if there is no such entry.
    """
    return [reader.root(span.first, span.last, size) for span in inclusion_spans(index, size)]


def consistency(reader: TileReader, old: int, new: int) -> list[bytes]:
    """The proof that a log of size `new` begins with all of the one of size `old`: RFC 6962, section 2.1.2. It is empty
    for an old size of 0, and for equal sizes.

    Raises LogUnavailableError, LogConflictError, and ProofError if the old size is larger.
    """
    return [reader.root(span.first, span.last, new) for span in consistency_spans(old, new)]


def tiles_of_proof(spans: Sequence[Span], size: int) -> list[Tile]:
    """The tiles of which a proof is made, each once: they may be read all at a time."""
    tiles: dict[Tile, None] = {}
    for span in spans:
        for height, index in perfect_subtrees(span.first, span.last):
            level, rest = divmod(height, 8)
            tiles[tile_at(level, (index << rest) // WIDTH, size)] = None
    return list(tiles)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Of which entries each hash of an inclusion proof is the root. Raises ProofError if there is no such entry."""
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has no entry {index}")
    first, last = 0, size
    spans: list[Span] = []
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            spans.append(Span(middle, last))
            last = middle
        else:
            spans.append(Span(first, middle))
            first = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Of which entries each hash of a consistency proof is the root. Raises ProofError if the old size is larger."""
    if not 0 <= old <= new:
        raise ProofError(f"a log of {new} entries does not begin with one of {old}")
    if old in {0, new}:
        return []
    first, last = 0, new
    spans: list[Span] = []
    while last != old:
        middle = first + _split(last - first)
        if old <= middle:
            spans.append(Span(middle, last))
            last = middle
        else:
            spans.append(Span(first, middle))
            first = middle
    if first:
        spans.append(Span(first, last))
    return spans[::-1]


def _split(count: int) -> int:
    """The largest power of two that is smaller than a number of entries, which is 2 or more."""
    return 1 << (count - 1).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Whether the entry whose hash is `leaf` is the one at `index` of the log of this size and root. Raises ProofError.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has no entry {index}")
    found = leaf
    way = _Way(index, size - 1)
    for step in _hashes(proof):
        found = node_hash(step, found) if way.up("inclusion") else node_hash(found, step)
    way.ends("inclusion")
    if found != root:
        raise ProofError("the inclusion proof does not lead to the root of the checkpoint")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Whether the log of size `new` begins with all of the one of size `old`. Raises ProofError.

    Source: RFC 9162, section 2.1.4.2; for an old size of 0, which it leaves out: C2SP, tlog-witness (an empty proof).
    """
    if not 0 <= old <= new:
        raise ProofError(f"a log of {new} entries does not begin with one of {old}")
    if old in {0, new}:
        _without_proof(old, old_root, new_root, proof)
        return
    complete = old & (old - 1) == 0  # the old log is one perfect subtree of the new: its root begins the proof
    steps = _hashes(proof)
    older = newer = old_root if complete else _first(steps)
    way = _Way(old - 1, new - 1)
    way.skip_left()
    for step in steps:
        if way.up("consistency"):
            older, newer = node_hash(step, older), node_hash(step, newer)
        else:
            newer = node_hash(newer, step)
    way.ends("consistency")
    if older != old_root:
        raise ProofError("the consistency proof does not lead to the root of the old checkpoint")
    if newer != new_root:
        raise ProofError("the consistency proof does not lead to the root of the new checkpoint")


class _Way:
    """The way from a node to the root: `fn` and `sn` of RFC 9162, the node's place and the last one of its level."""

    def __init__(self, place: int, last: int) -> None:
        self._place = place
        self._last = last

    def skip_left(self) -> None:
        """Begin at the highest subtree that ends where this node does."""
        while self._place & 1:
            self._climb()

    def up(self, kind: str) -> bool:
        """Go up by one hash of the proof: whether it stands on the left."""
        if self._last == 0:
            raise ProofError(f"the {kind} proof is too long")
        left = bool(self._place & 1) or self._place == self._last
        while left and self._place and not self._place & 1:
            self._climb()
        self._climb()
        return left

    def ends(self, kind: str) -> None:
        """Raises ProofError if this is not the root."""
        if self._last:
            raise ProofError(f"the {kind} proof is too short")

    def _climb(self) -> None:
        self._place >>= 1
        self._last >>= 1


def _without_proof(old: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofError("the consistency proof is too long: none is needed here")
    if old and old_root != new_root:
        raise ProofError("the two checkpoints have one size and different roots")
    if not old and old_root != EMPTY_ROOT:
        raise ProofError("the old checkpoint has no entries, and not the root of a log without entries")


def _hashes(proof: Sequence[bytes]) -> Iterator[bytes]:
    for step in proof:
        if len(step) != SIZE:
            raise ProofError("a hash in the proof is not 32 bytes long")
        yield step


def _first(steps: Iterator[bytes]) -> bytes:
    for step in steps:
        return step
    raise ProofError("the consistency proof is too short")
