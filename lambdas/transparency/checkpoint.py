"""Checkpoints: how large the log was, and its root then.

Source: C2SP, tlog-checkpoint (c2sp.org/tlog-checkpoint). Ours have no extension lines, and others' may.
"""

from __future__ import annotations

from msgspec import Struct

from lambdas.transparency import note
from lambdas.transparency.errors import MalformedError
from lambdas.transparency.signer import Signer
from lambdas.transparency.texts import base64_text, hash_of, number_of


class Checkpoint(Struct, frozen=True):
    """The root of the log `origin` when it had `size` entries."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """What is signed: three lines, and those of extensions."""
        lines = (self.origin, str(self.size), base64_text(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def signed(self, signer: Signer) -> bytes:
        """The note, signed in the name of the origin. Raises LogUnavailableError."""
        return note.sign(self.text(), self.origin, signer)


def parse(text: str) -> Checkpoint:
    """The checkpoint of a note's text. Raises MalformedError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise MalformedError("a checkpoint is three lines or more, none of them empty: origin, size and root")
    origin, size, root, *extensions = lines
    size_of_tree = number_of(size, "the size of the tree")
    return Checkpoint(origin, size_of_tree, hash_of(root, "the root"), tuple(extensions))


def of_note(signed: bytes) -> Checkpoint:
    """The checkpoint of a note whose signatures nobody has verified. Raises MalformedError."""
    return parse(note.parse(signed).text)


def open_checkpoint(signed: bytes, key: note.VerifierKey, verify: note.Verify) -> Checkpoint:
    """The checkpoint that the log with this key signed. Raises MalformedError, and ProofError if it did not, or if the
    checkpoint is of another log than the key's name says."""
    opened = parse(note.open_note(signed, key, verify))
    if opened.origin != key.name:
        raise MalformedError(f"a checkpoint of the log {opened.origin}, signed in the name of {key.name}")
    return opened
