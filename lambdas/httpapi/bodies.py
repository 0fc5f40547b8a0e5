"""Request bodies: JSON in UTF-8, at most 64 KB, decoded into a command. Source: RFC 9110, sections 8.3 and 8.4."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from lambdas.accounts.errors import InvalidFieldError
from lambdas.httpapi.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from lambdas.service.command_json import decode_command

MAX_BODY_BYTES = 64 * 1024
MEDIA_TYPE_PATTERN: Final = (
    '(?i)application/json(?: *;(?: *(?:charset="?utf-?8"?|'
    '(?!charset=)[a-z0-9.+_-]+=(?:[a-z0-9.+_-]+|"[^"]*")))?){0,16} *'
)
"""application/json with at most 16 parameters, but no charset other than UTF-8. Python and Java read it alike, and Java
needs stack for each repetition of a group (java.util.regex): so these are counted."""

ONE_MEDIA_TYPE: Final = (
    "Content-Type must be application/json, with no charset or utf-8, and Content-Encoding be left out: no compression"
)

NOT_ENCODED: Final = "identity"
"""The one Content-Encoding that is taken: none."""

_MEDIA_TYPE = re.compile(MEDIA_TYPE_PATTERN)

C = TypeVar("C", bound=msgspec.Struct)


def read_body(event: Mapping[str, Any]) -> bytes:
    """The body of a proxy event, b"" for none. Raises PayloadTooLargeError, InvalidRequestError."""
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeError, ValueError):
        raise InvalidRequestError("body", "is not text in UTF-8") from None
    if len(content) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"the body has {len(content)} bytes, and at most {MAX_BODY_BYTES} are taken")
    return bytes(content)


def check_media_type(media_type: str | None, encoding: str | None) -> None:
    """Raise UnsupportedMediaTypeError unless Content-Type is application/json and Content-Encoding absent.

    A charset must be UTF-8; other parameters do not matter, up to 16 in all.
    """
    if encoding is not None and encoding.strip(" \t").lower() != NOT_ENCODED:
        raise UnsupportedMediaTypeError(ONE_MEDIA_TYPE)
    if media_type is None or _MEDIA_TYPE.fullmatch(media_type.strip(" \t")) is None:
        raise UnsupportedMediaTypeError(ONE_MEDIA_TYPE)


def decode_body(content: bytes, command: type[C]) -> C:
    """Decode and validate (see `decode_command`). Raises InvalidRequestError, which names the first offending field."""
    try:
        return decode_command(content, command)
    except InvalidFieldError as error:
        raise InvalidRequestError(error.field, str(error)) from None
