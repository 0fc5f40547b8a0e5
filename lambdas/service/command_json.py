"""Decodes commands from JSON. Any text gives either a command or an error that names the first wrong field.

The decoder's own messages never reach a client: they show regular expressions and Python's types. They only tell which
field is wrong; what would be right is said by `lambdas.contracts.expectations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeVar, Union

import msgspec

from lambdas.accounts.commands import COMMANDS
from lambdas.accounts.errors import InvalidFieldError
from lambdas.contracts.expectations import TAG_FIELD, expectation, expected_type, fields_of, listed, optional_fields
from lambdas.service.names import shown

BODY: Final = "body"
"""The field that an error names when the text as a whole is wrong."""

_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_BYTE = re.compile(r"\(byte (\d+)\)")
_HIGH, _LOW = rb"\\u[dD][89aAbB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF_OF_A_PAIR = re.compile(rb"(?:\\[^u]|\\u(?![dD][89a-fA-F])|" + _HIGH + _LOW + rb"|[^\\])*" + rb"\\u[dD][89a-fA-F]")
_NULL: Final = b"null"

C = TypeVar("C", bound=msgspec.Struct)
Commands = Sequence[type[msgspec.Struct]]


def decode_command(content: bytes, *commands: type[C]) -> C:
    """Decode and validate one of the commands. Of several the tag says which one, of one it may be left out.

    `null` alone counts as absent for an optional field, and for a field that only other commands have. If an object has
    a key twice, the last value wins, and all values must be valid. Integers must be written without fraction and
    exponent. Raises InvalidFieldError.
    """
    try:
        command: C = _decoder(commands).decode(content)
    except msgspec.ValidationError as error:
        rest = _without_nulls(content, commands)
        if rest is not None:
            return decode_command(rest, *commands)
        raise _invalid_field(str(error), content, commands) from None
    except msgspec.DecodeError as error:
        raise InvalidFieldError(BODY, _not_json(content, str(error))) from None
    except UnicodeError:
        raise InvalidFieldError(BODY, "is not text in UTF-8") from None
    except RecursionError:
        raise InvalidFieldError(BODY, "is nested too deeply: a command holds no arrays or objects") from None
    return command


@cache
def _decoder(commands: Commands) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Union[tuple(commands)])  # noqa: UP007 - made at run time


def _members(content: bytes) -> dict[str, msgspec.Raw]:
    """The members of the object as they stand in the text; none for a text that is no object."""
    try:
        return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}


def _named_command(members: dict[str, msgspec.Raw], commands: Commands) -> type[msgspec.Struct] | None:
    if len(commands) == 1:
        return commands[0]
    try:
        tag = msgspec.json.decode(members.get(TAG_FIELD, _NULL))
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return next((each for each in commands if tag == each.__name__), None)


def _without_nulls(content: bytes, commands: Commands) -> bytes | None:
    """The text without the members that are null and may be absent; None if it has none.

    All other values stay, those of a repeated key too: each of them must be valid.
    """
    members = _members(content)
    command = _named_command(members, commands)
    if command is None or all(bytes(value).strip() != _NULL for value in members.values()):
        return None
    try:
        pairs = json.loads(content.decode(), object_pairs_hook=list, parse_int=_as_written, parse_float=_as_written)
        droppable = optional_fields(command) | (_fields_of_any() - fields_of(command).keys())
        absent = droppable - {name for name, value in pairs if value is not None}
        kept = [b":".join(map(msgspec.json.encode, pair)) for pair in pairs if pair[0] not in absent]
    except (ValueError, RecursionError):
        return None
    return None if len(kept) == len(pairs) else b"{" + b",".join(kept) + b"}"


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


@cache
def _fields_of_any() -> frozenset[str]:
    """The gateway knows them all, and no null from an absent field."""
    return frozenset(name for command in COMMANDS for name in fields_of(command))


def _invalid_field(message: str, content: bytes, commands: Commands) -> InvalidFieldError:
    """The decoder names the place at the end of its message, and a missing or unknown key inside it."""
    command = _named_command(_members(content), commands)
    place = _PLACE.search(message)
    reason = message[: place.start()] if place else message
    if unknown := _UNKNOWN.match(reason):
        return InvalidFieldError(shown(unknown[1]), _unknown_field(command))
    if missing := _MISSING.match(reason):
        return InvalidFieldError(missing[1], f"is missing: it must be {_expected(missing[1], command, commands)}")
    if place is None or not place[1]:
        return InvalidFieldError(BODY, "must be a JSON object")
    return InvalidFieldError(shown(place[1]), f"must be {_expected(place[1], command, commands)}")


def _unknown_field(command: type[msgspec.Struct] | None) -> str:
    if command is None:
        return "is not a field of any command"
    return f"is not a field of {command.__name__}, which has {listed([TAG_FIELD, *fields_of(command)], 'and')}"


def _expected(name: str, command: type[msgspec.Struct] | None, commands: Commands) -> str:
    if name == TAG_FIELD:
        return expected_type(commands) + (" or left out" if len(commands) == 1 else "")
    return expectation(command, name) if command is not None and name in fields_of(command) else "left out"


def _not_json(content: bytes, message: str) -> str:
    """What is wrong with a text that the decoder cannot read at all."""
    if not content.strip():
        return "holds only white space: it must be a JSON object" if content else "is empty: it must be a JSON object"
    if content.startswith(b"\xef\xbb\xbf"):
        return "begins with a byte order mark, which JSON does not have"
    if _HALF_OF_A_PAIR.match(content):
        return "holds one half of a surrogate pair, which is not a character"
    byte = _BYTE.search(message)
    where = f"at byte {byte[1]}" if byte else "where it ends: something is missing there"
    return f"is not JSON {where}"
