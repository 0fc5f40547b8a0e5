"""A proof of inclusion as a file that is checked offline.

Source: C2SP, tlog-proof (c2sp.org/tlog-proof).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from lambdas.transparency.errors import MalformedError
from lambdas.transparency.texts import base64_of, base64_text, hash_of, number_of, text_of

HEADER: Final = "c2sp.org/tlog-proof@v1"
MOST_HASHES: Final = 63
"""Hashes of a proof at most: a tree has fewer levels than that."""


class TlogProof(Struct, frozen=True):
    """That the entry at `index` is in the log of the checkpoint (a signed note). Ours carry the entry as `extra`, so
    that the file alone says of what it is; nothing signs it, it only has to lead to the root."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def encode(self) -> bytes:
        """The file."""
        lines = [HEADER, *([f"extra {base64_text(self.extra)}"] if self.extra else []), f"index {self.index}"]
        return hashes_text(lines, self.hashes) + self.checkpoint


def decode(data: bytes) -> TlogProof:
    """The proof of a file; the checkpoint in it is not looked at. Raises MalformedError."""
    lines, checkpoint = split_checkpoint(data, "the proof")
    if lines[0] != HEADER:
        raise MalformedError(f"the proof does not begin with {HEADER}")
    rest = lines[1:]
    extra = b""
    if rest and rest[0].startswith("extra "):
        extra = base64_of(rest.pop(0)[len("extra ") :], "the extra data")
        if not extra:
            raise MalformedError("the line for extra data is empty; without any it is left out")
    if not rest or not rest[0].startswith("index "):
        raise MalformedError("the proof has no line with the index of the entry")
    index = number_of(rest[0][len("index ") :], "the index of the entry")
    return TlogProof(index, hashes_of(rest[1:]), checkpoint, extra)


def hashes_text(lines: list[str], hashes: tuple[bytes, ...]) -> bytes:
    """Lines, then a hash a line, then an empty line: what stands before a checkpoint."""
    return "".join(f"{line}\n" for line in [*lines, *map(base64_text, hashes), ""]).encode()


def hashes_of(lines: list[str]) -> tuple[bytes, ...]:
    """The hashes of such lines, 63 at most. Raises MalformedError."""
    if len(lines) > MOST_HASHES:
        raise MalformedError(f"the proof has more than {MOST_HASHES} hashes")
    return tuple(hash_of(line, "a line of the proof") for line in lines)


def split_checkpoint(data: bytes, what: str) -> tuple[list[str], bytes]:
    """The lines before the first empty line, and all that follows it, byte for byte. Raises MalformedError."""
    before, found, checkpoint = data.partition(b"\n\n")
    if not found:
        raise MalformedError(f"{what} has no checkpoint after an empty line")
    return text_of(before, what).split("\n"), checkpoint
