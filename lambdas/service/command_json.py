"""Decodes commands from JSON. Any text gives either a command or an error that names the first wrong field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from lambdas.accounts.errors import InvalidFieldError

BODY = "body"
"""The field that an error names when the text as a whole is wrong."""

_MAX_REASON = 200
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_OWN_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `(.*?)`", re.DOTALL)

C = TypeVar("C")


def decode_command(content: bytes, decode: Callable[[bytes], C]) -> C:
    """Decode and validate by msgspec's `decode`. Raises InvalidFieldError.

    If an object has a key twice, the last value wins, and all values must be valid. Integers must be written without
    fraction and exponent.
    """
    try:
        return decode(content)
    except msgspec.ValidationError as error:
        raise _invalid_field(str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidFieldError(BODY, str(error)) from None
    except UnicodeError:
        raise InvalidFieldError(BODY, "is not text in UTF-8") from None
    except RecursionError:
        raise InvalidFieldError(BODY, "is nested too deeply") from None


def _invalid_field(message: str) -> InvalidFieldError:
    """msgspec names the place at the end of its message, and a missing or unknown key inside it."""
    place = _PLACE.search(message)
    reason = message[: place.start()] if place else message
    own = _OWN_FIELD.match(reason)
    names = [name for name in (place[1] if place else "", own[1] if own else "") if name]
    return InvalidFieldError(".".join(names)[:_MAX_REASON] or BODY, reason[:_MAX_REASON])
