"""The Idempotency-Key header: what is accepted, and under which key it is stored.

1 to 255 visible ASCII characters, bare or as a quoted string. Sources: RFC 8941, section 3.3.3 ("Strings"), which the
IETF's draft of this header uses; bare keys are what most clients send.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from lambdas.httpapi.errors import InvalidRequestError

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 255

HASHED: Final = "sha256="
"""Begins the stored form of a key that is no token. No token has a "="."""

TOKEN: Final = "[A-Za-z0-9._:-]{1,64}"  # noqa: S105 - what ids and keys are made of
"""Stored as it is."""

_TOKEN = re.compile(TOKEN)
_BARE = re.compile(rf"[!#-~][!-~]{{0,{LONGEST - 1}}}")
_QUOTED = re.compile(rf'"((?:[!#-\[\]-~]|\\["\\]){{1,{LONGEST}}})"')
_ESCAPED = re.compile(r"\\(.)")


def key_of(value: str) -> str:
    """The key that the header names: itself if it is a token, else SHA-256 in hex behind `HASHED`.

    The quoted form names the same key as the bare one. Raises InvalidRequestError.
    """
    value = value.strip(" \t")
    quoted = _QUOTED.fullmatch(value)
    if quoted is None and _BARE.fullmatch(value) is None:
        raise InvalidRequestError(
            HEADER, f'must be 1 to {LONGEST} visible ASCII characters, such as order-17 or "order-17", without spaces'
        )
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else value
    return key if _TOKEN.fullmatch(key) else HASHED + hashlib.sha256(key.encode()).hexdigest()
