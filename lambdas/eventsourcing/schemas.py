"""Stored classes, their schema versions, and the way from one version to the next and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the JSON object of one schema version into that of the next."""

Downcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the JSON object of one schema version into that of the version before."""

_encode = msgspec.json.Encoder().encode


class StoredType(msgspec.Struct, frozen=True):
    """A stored class, its newest schema version, and an upcaster from every earlier one.

    `upcasters[n]` turns schema n into schema n + 1; all of 1 … schema − 1 are needed, since history is kept forever.
    `downcasters[n]` turns schema n into schema n − 1; they are needed while an older schema is written. The type name
    in the store is the name of the class.
    """

    cls: type
    schema: int = 1
    upcasters: Mapping[int, Upcaster] = {}
    downcasters: Mapping[int, Downcaster] = {}


class EventType(StoredType, frozen=True):
    """An event class."""


class StateType(StoredType, frozen=True):
    """The class of the state."""


def check(stored: StoredType, written: int) -> None:
    """Raise ValueError if `stored` lacks a way from an older schema, or to the one that is written of it."""
    name = stored.cls.__name__
    if set(stored.upcasters) != set(range(1, stored.schema)):
        raise ValueError(f"{name} needs an upcaster from every schema below {stored.schema}")
    least = 0 if isinstance(stored, EventType) else 1
    if not least <= written <= stored.schema:
        raise ValueError(f"{name} has no schema {written} to be written")
    if written and not set(stored.downcasters) >= set(range(written + 1, stored.schema + 1)):
        raise ValueError(f"{name} is written in schema {written} and needs a downcaster from every one above it")


def upcast(text: str, schema: int, stored: StoredType) -> Any:
    """The value of an older schema's JSON text. Raises msgspec.MsgspecError."""
    fields = msgspec.json.decode(text, type=dict[str, Any])
    for step in range(schema, stored.schema):
        fields = stored.upcasters[step](fields)
    return msgspec.convert(fields, stored.cls)


def downcast(value: Any, schema: int, stored: StoredType) -> str | None:
    """The value as an older schema's JSON text; None if that cannot hold all of it: it would be read otherwise."""
    fields = msgspec.to_builtins(value)
    for step in range(stored.schema, schema, -1):
        fields = stored.downcasters[step](fields)
    text = _encode(fields).decode()
    return text if upcast(text, schema, stored) == value else None
