"""What a field of a command must be, in words, for refusals by the function and by the gateway.

Made from the command classes: from `EXPECTED` in a type's `Meta`, else from its bounds. The words end a sentence that
begins with "must be", and hold no regular expression and no name of a Python type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from lambdas.accounts.text import EXPECTED
from lambdas.contracts.errors import ContractIncompleteError

TAG_FIELD = "type"


@cache
def fields_of(command: type[msgspec.Struct]) -> Mapping[str, inspect.Field]:
    """The fields of a command by their names in JSON, without the tag."""
    info = inspect.type_info(command)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{command} is no class of a command")
    return {field.encode_name: field for field in info.fields}


def optional_fields(command: type[msgspec.Struct]) -> frozenset[str]:
    """The fields that may be left out."""
    return frozenset(name for name, field in fields_of(command).items() if not field.required)


def expectation(command: type[msgspec.Struct], name: str) -> str:
    """What the field must be. Raises ContractIncompleteError for a type that has no words yet."""
    return _words(fields_of(command)[name].type, f"{command.__name__}.{name}")


def expected_type(commands: Sequence[type[msgspec.Struct]]) -> str:
    """What the tag must be where one of these commands is taken."""
    return listed([f'"{command.__name__}"' for command in commands], "or")


def listed(words: Sequence[str], conjunction: str) -> str:
    """The words as a list in a sentence: a, b and c."""
    return f" {conjunction} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _words(kind: Any, place: str) -> str:
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra or {}).get(EXPECTED) or _words(kind.type, place))
    if isinstance(kind, inspect.IntType) and kind.ge is not None and kind.le is not None:
        return f"an integer from {kind.ge} to {kind.le}, without fraction and exponent"
    raise ContractIncompleteError(f"{place} has no words for refusals: give its type a Meta with EXPECTED")
