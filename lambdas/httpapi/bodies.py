"""Request bodies: JSON in UTF-8, at most 64 KB, decoded into a command."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from lambdas.accounts.errors import InvalidFieldError
from lambdas.httpapi.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from lambdas.service.command_json import decode_command

MAX_BODY_BYTES = 64 * 1024
_MEDIA_TYPE = re.compile(r'application/json[ \t]*(?:;[ \t]*charset="?utf-?8"?[ \t]*)?;?', re.IGNORECASE)

C = TypeVar("C", bound=msgspec.Struct)


def read_body(event: Mapping[str, Any]) -> bytes:
    """The body of a proxy event, b"" for none. Raises PayloadTooLargeError, InvalidRequestError."""
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeError, ValueError):
        raise InvalidRequestError("body", "is not text in UTF-8") from None
    if len(content) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"the body has more than {MAX_BODY_BYTES} bytes")
    return bytes(content)


def check_media_type(value: str | None) -> None:
    """Raise UnsupportedMediaTypeError unless the Content-Type is application/json, in UTF-8 if it says so."""
    if value is None or _MEDIA_TYPE.fullmatch(value.strip(" \t")) is None:
        raise UnsupportedMediaTypeError("the Content-Type must be application/json in UTF-8")


def decode_body(content: bytes, command: type[C]) -> C:
    """Decode and validate (see `decode_command`). Raises InvalidRequestError, which names the first offending field."""
    try:
        return decode_command(content, lambda text: msgspec.json.decode(text, type=command))
    except InvalidFieldError as error:
        raise InvalidRequestError(error.field, str(error)) from None
