"""Encodes and decodes events and states. Old schema versions are upcast here, while they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from lambdas.eventsourcing.errors import UnknownSchemaError

S = TypeVar("S")
E = TypeVar("E")
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the JSON object of one schema version into that of the next."""


class EventType(msgspec.Struct, frozen=True):
    """An event class, its current schema version, and an upcaster from every earlier one.

    `upcasters[n]` turns schema n into schema n + 1; all of 1 … schema − 1 are needed, since history is kept forever.
    The type name in the store is the name of the class.
    """

    cls: type
    schema: int = 1
    upcasters: Mapping[int, Upcaster] = {}


class StateType(msgspec.Struct, frozen=True):
    """The state class, its schema version and upcasters from earlier ones.

    A snapshot without a complete chain of upcasters is ignored, and the state is folded from events instead.
    """

    cls: type
    schema: int = 1
    upcasters: Mapping[int, Upcaster] = {}


class Codec(Generic[S, E]):
    """JSON text of events and states. Built once, used for every row."""

    def __init__(self, events: Sequence[EventType], state: StateType) -> None:
        for event in events:
            if set(event.upcasters) != set(range(1, event.schema)):
                raise ValueError(f"{event.cls.__name__} needs an upcaster from every schema below {event.schema}")
        self._encode = msgspec.json.Encoder().encode
        self._types = {event.cls: (event.cls.__name__, event.schema) for event in events}
        self._events = {event.cls.__name__: event for event in events}
        self._decoders: dict[str, Callable[[str], Any]] = {
            event.cls.__name__: msgspec.json.Decoder(event.cls).decode for event in events
        }
        self._state = state
        self._state_decoder: Callable[[str], Any] = msgspec.json.Decoder(state.cls).decode
        self.state_schema = state.schema

    def encode(self, event: E) -> tuple[str, int, str]:
        """The event as (type, schema, JSON text). Raises UnknownSchemaError for a class that is not registered."""
        name, schema = self._types.get(type(event)) or self.name_of(event)
        return name, schema, self._encode(event).decode()

    def name_of(self, event: E) -> tuple[str, int]:
        """The event's type name and current schema. Raises UnknownSchemaError for a class that is not registered."""
        try:
            return self._types[type(event)]
        except KeyError:
            raise UnknownSchemaError(f"{type(event).__name__} is not a registered event") from None

    def decode(self, type_name: str, schema: int, data: str) -> E:
        """The event of a row. Raises UnknownSchemaError, msgspec.MsgspecError when the text does not fit."""
        event_type = self._events.get(type_name)
        if event_type is None or not 1 <= schema <= event_type.schema:
            raise UnknownSchemaError(f"no event {type_name} of schema {schema} is registered")
        if schema == event_type.schema:
            return self._decoders[type_name](data)  # type: ignore[no-any-return]
        return _upcast(data, schema, event_type)  # type: ignore[no-any-return]

    def encode_state(self, state: S) -> str:
        """The state as JSON text of `state_schema`."""
        return self._encode(state).decode()

    def can_decode_state(self, schema: int | None) -> bool:
        """Whether a snapshot of this schema is usable."""
        if schema is None or not 1 <= schema <= self._state.schema:
            return False
        return all(n in self._state.upcasters for n in range(schema, self._state.schema))

    def decode_state(self, schema: int | None, text: str) -> S:
        """The state of a usable snapshot. Raises UnknownSchemaError, msgspec.MsgspecError."""
        if schema is None or not self.can_decode_state(schema):
            raise UnknownSchemaError(f"no state of schema {schema} is known")
        if schema == self._state.schema:
            return self._state_decoder(text)  # type: ignore[no-any-return]
        return _upcast(text, schema, self._state)  # type: ignore[no-any-return]


def _upcast(text: str, schema: int, target: EventType | StateType) -> Any:
    fields = msgspec.json.decode(text, type=dict[str, Any])
    for step in range(schema, target.schema):
        fields = target.upcasters[step](fields)
    return msgspec.convert(fields, target.cls)
