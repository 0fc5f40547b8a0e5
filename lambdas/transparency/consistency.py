"""A proof of consistency as a file: that the log of a checkpoint begins with all that it held at an earlier size.

Source: C2SP, tlog-witness (c2sp.org/tlog-witness), the body of `add-checkpoint`, which any witness takes as it is.
"""

from __future__ import annotations

from msgspec import Struct

from lambdas.transparency.errors import MalformedError
from lambdas.transparency.texts import number_of
from lambdas.transparency.tlog_proof import hashes_of, hashes_text, split_checkpoint


class ConsistencyProof(Struct, frozen=True):
    """That the log of the checkpoint (a signed note) begins with the `old_size` entries that it had before."""

    old_size: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The file."""
        return hashes_text([f"old {self.old_size}"], self.hashes) + self.checkpoint


def decode(data: bytes) -> ConsistencyProof:
    """The proof of a file; the checkpoint in it is not looked at. Raises MalformedError."""
    lines, checkpoint = split_checkpoint(data, "the proof of consistency")
    if not lines[0].startswith("old "):
        raise MalformedError("the proof of consistency does not begin with the old size")
    old = number_of(lines[0][len("old ") :], "the old size")
    return ConsistencyProof(old, hashes_of(lines[1:]), checkpoint)
