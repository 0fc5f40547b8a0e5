"""Pages: how many entries one has, and cursors of the history, opaque to clients.

A cursor holds a version: the next page has the versions below it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from lambdas.contracts.limits import DEFAULT_PAGE, LARGEST_PAGE
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.requests import positive_integer

_VERSION = re.compile(rb"[1-9][0-9]{0,15}")


def page_limit(query: Mapping[str, str]) -> int:
    """The most entries that a page may have. Raises InvalidRequestError."""
    return positive_integer("limit", query.get("limit", str(DEFAULT_PAGE)), maximum=LARGEST_PAGE)


def encode_cursor(before: int) -> str:
    """The cursor of the page of versions below `before`."""
    return base64.urlsafe_b64encode(str(before).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """The reverse of `encode_cursor`. Raises InvalidRequestError for any other text."""
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        text = b""
    if _VERSION.fullmatch(text) is None or text == b"1" or encode_cursor(int(text)) != cursor:
        raise InvalidRequestError("cursor", "must be the next_cursor of an earlier page, as it was answered")
    return int(text)
