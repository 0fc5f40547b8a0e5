"""Names that a client chose, as answers may repeat them."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 64

_UNSAFE = re.compile(r"[^A-Za-z0-9_.:-]")


def shown(name: str) -> str:
    """The name, at most 64 characters: letters, digits and `_ . : -` as they are, any other as in JSON's `\\uXXXX`."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", name[:LONGEST])[:LONGEST]
