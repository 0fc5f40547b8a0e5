"""Request bodies: JSON in UTF-8, at most 64 KB, decoded straight into a command."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from lambdas.httpapi.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError

MAX_BODY_BYTES = 64 * 1024
_MAX_REASON = 200
_MEDIA_TYPE = re.compile(r'application/json[ \t]*(?:;[ \t]*charset="?utf-?8"?[ \t]*)?;?', re.IGNORECASE)
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_OWN_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `(.*?)`", re.DOTALL)

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
    """Decode and validate. Raises InvalidRequestError, which names the first offending field.

    Of a key that stands twice in an object the last value wins; all must be acceptable. Integers must be written
    without fraction and exponent.
    """
    try:
        return msgspec.json.decode(content, type=command)
    except msgspec.ValidationError as error:
        raise _invalid_field(str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidRequestError("body", str(error)) from None
    except UnicodeError:
        raise InvalidRequestError("body", "is not text in UTF-8") from None
    except RecursionError:
        raise InvalidRequestError("body", "is nested too deeply") from None


def _invalid_field(message: str) -> InvalidRequestError:
    """msgspec names the place at the end of its message, and a missing or unknown key inside it."""
    place = _PLACE.search(message)
    reason = message[: place.start()] if place else message
    own = _OWN_FIELD.match(reason)
    names = [name for name in (place[1] if place else "", own[1] if own else "") if name]
    return InvalidRequestError(".".join(names)[:_MAX_REASON] or "body", reason[:_MAX_REASON])
