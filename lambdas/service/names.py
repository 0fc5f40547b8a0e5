"""Names that a client chose, as answers may repeat them."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 64

_UNSAFE = re.compile(r"[^A-Za-z0-9_.:-]")


def shown(name: str) -> str:
    """The name, at most 64 characters: letters, digits and `_ . : -` as they are, any other as in JSON's `\\uXXXX`.

    It is cut between characters, never within an escape. An empty name is `""`.
    """
    text = ""
    for character in name[:LONGEST]:
        escaped = _UNSAFE.sub(f"\\\\u{ord(character):04x}", character)
        if len(text) + len(escaped) > LONGEST:
            break
        text += escaped
    return text or '""'
