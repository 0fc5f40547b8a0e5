"""The hashes of the log's Merkle tree.

Source: RFC 6962, section 2.1 (RFC 9162, section 2.1.1 is the same): SHA-256, with a byte before what is hashed that
tells an entry (0) from two hashes (1), so that neither can be passed off as the other.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

SIZE: Final = 32
"""Bytes of a hash."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without entries."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry of the log."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees, of 32 bytes each."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """The root over hashes of subtrees of one height, written one after the other. There are 1, 2, 4, 8 … of them."""
    while len(hashes) > SIZE:
        hashes = b"".join(
            [sha256(b"\x01" + hashes[at : at + 2 * SIZE]).digest() for at in range(0, len(hashes), 2 * SIZE)]
        )
    return hashes
