"""What the texts of C2SP are made of: numbers and Base64, each in one way only."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import Final

from lambdas.transparency.errors import MalformedError
from lambdas.transparency.hashing import SIZE

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
LARGEST: Final = (1 << 63) - 1
"""The largest size of a tree: its levels are numbered 0 to 62."""


def number_of(text: str, what: str) -> int:
    """A number in ASCII digits without leading zeros, up to 2^63 − 1. Raises MalformedError."""
    if not _NUMBER.fullmatch(text) or int(text) > LARGEST:
        raise MalformedError(f"{what} is no number: {text[:40]!r}")
    return int(text)


def base64_text(data: bytes) -> str:
    """Data in the standard alphabet of RFC 4648, section 4, with padding."""
    return b64encode(data).decode()


def base64_of(text: str, what: str) -> bytes:
    """The data of a text in Base64 as `base64_text` writes it and in no other way. Raises MalformedError."""
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedError(f"{what} is not in Base64: {text[:60]!r}") from error
    if base64_text(data) != text:
        raise MalformedError(f"{what} is not in Base64 as it is written: {text[:60]!r}")
    return data


def hash_of(text: str, what: str) -> bytes:
    """A hash of 32 bytes in Base64. Raises MalformedError."""
    data = base64_of(text, what)
    if len(data) != SIZE:
        raise MalformedError(f"{what} is no hash of {SIZE} bytes")
    return data


def text_of(data: bytes, what: str) -> str:
    """The text of bytes in UTF-8. Raises MalformedError."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"{what} is not in UTF-8") from error
