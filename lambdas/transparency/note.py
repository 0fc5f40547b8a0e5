"""Signed notes, with Ed25519.

Source: C2SP, signed-note (c2sp.org/signed-note). A key is written as `<name>+<key id, 8 hex digits>+<Base64 of the type
and the key>`, as the Go module golang.org/x/mod/sumdb/note does and all tools of that ecosystem.
What verifies a signature is passed in: deployed functions sign by KMS, and carry no library for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from lambdas.transparency.errors import MalformedError, ProofError
from lambdas.transparency.signer import Signer
from lambdas.transparency.texts import base64_of, base64_text, text_of

ED25519: Final = b"\x01"
"""The signature type of Ed25519."""

KEY_SIZE: Final = 32
KEY_ID_SIZE: Final = 4

MOST_SIGNATURES: Final = 64
"""Signatures that are read at most; signed-note demands 16 at least."""

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Whether an Ed25519 key (32 bytes) made a signature over a message: called with key, signature, message."""

_NAME: Final = re.compile(r"[^\s+]+")
_KEY: Final = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_SIGNATURE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class VerifierKey(NamedTuple):
    """Whose signature is looked for: a name, and an Ed25519 key of 32 bytes."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return key_id(self.name, self.public_key)


class Signature(NamedTuple):
    """One signature line of a note."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A note that nobody has verified yet. `text` ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]


def key_id(name: str, public_key: bytes) -> bytes:
    """The id of an Ed25519 key of this name: signed-note, "Ed25519 signatures"."""
    return sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:KEY_ID_SIZE]


def vkey(name: str, public_key: bytes) -> str:
    """A key as one line of text, for whoever verifies notes. Raises MalformedError if a note cannot bear the name."""
    if not _NAME.fullmatch(name):
        raise MalformedError(f"{name!r} is no name of a key: spaces and plus signs are not allowed")
    return f"{name}+{key_id(name, public_key).hex()}+{base64_text(ED25519 + public_key)}"


def parse_vkey(text: str) -> VerifierKey:
    """The key of such a line. Raises MalformedError."""
    if not (found := _KEY.fullmatch(text.strip())):
        raise MalformedError(f"no key of a note: {text[:80]!r}")
    data = base64_of(found[3], "the key")
    if data[:1] != ED25519 or len(data) != 1 + KEY_SIZE:
        raise MalformedError("the key is not one of Ed25519")
    key = VerifierKey(found[1], data[1:])
    if key.key_id.hex() != found[2]:
        raise MalformedError(f"the key's id is {key.key_id.hex()}, and the text says {found[2]}")
    return key


def sign(text: str, name: str, signer: Signer) -> bytes:
    """The note of a text that ends in a newline.

    Raises MalformedError if a note cannot hold the text or bear the name, and LogUnavailableError.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedError("a note's text ends in a newline, and holds no other control character")
    key = parse_vkey(vkey(name, signer.public_key()))
    signature = key.key_id + signer.sign(text.encode())
    return f"{text}\n— {name} {base64_text(signature)}\n".encode()


def parse(note: bytes) -> Note:
    """The parts of a note, unverified. Raises MalformedError."""
    text = text_of(note, "the note")
    if _CONTROL.search(text):
        raise MalformedError("the note holds a control character")
    split = text.rfind("\n\n")
    if split < 0 or not text.endswith("\n") or split + 2 == len(text):
        raise MalformedError("the note has no signatures after an empty line")
    lines = text[split + 2 : -1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise MalformedError(f"the note has more than {MOST_SIGNATURES} signatures")
    return Note(text[: split + 1], tuple(map(_signature, lines)))


def _signature(line: str) -> Signature:
    if not (found := _SIGNATURE.fullmatch(line)):
        raise MalformedError(f"no signature of a note: {line[:80]!r}")
    data = base64_of(found[2], "a signature")
    if len(data) <= KEY_ID_SIZE:
        raise MalformedError("a signature of the note is too short")
    return Signature(found[1], data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


def open_note(note: bytes, key: VerifierKey, verify: Verify) -> str:
    """The text of a note that this key signed. Signatures of other keys are left aside.

    Raises MalformedError, and ProofError if the key has not signed the note or a signature in its name is wrong.
    """
    parsed = parse(note)
    own = [each for each in parsed.signatures if (each.name, each.key_id) == (key.name, key.key_id)]
    if not own:
        raise ProofError(f"the note is not signed by {key.name} with the key {key.key_id.hex()}")
    for each in own:
        if not verify(key.public_key, each.signature, parsed.text.encode()):
            raise ProofError(f"the signature of {key.name} is wrong")
    return parsed.text
