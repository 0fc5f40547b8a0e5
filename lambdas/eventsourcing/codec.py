"""Encodes and decodes events and states. Old schema versions are upcast here, while they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from lambdas.eventsourcing.errors import SchemaNotWrittenError, UnknownSchemaError
from lambdas.eventsourcing.schemas import EventType, StateType, check, downcast, upcast

S = TypeVar("S")
E = TypeVar("E")


class Codec(Generic[S, E]):
    """JSON text of events and states. Built once, used for every row.

    `writes` says which schema is written of a type, by the name of its class, where that is not the newest: a release
    that brings a schema only reads it, and the next one writes it, so that what runs beside either can read all rows.
    0 for an event that is not written at all yet. Raises ValueError for a type without all its upcasters, or without
    the downcasters to what is written.
    """

    def __init__(
        self, events: Sequence[EventType], state: StateType, *, writes: Mapping[str, int] | None = None
    ) -> None:
        writes = writes or {}
        stored = {each.cls.__name__: each for each in (*events, state)}
        if unknown := writes.keys() - stored.keys():
            raise ValueError(f"schemas to write of unknown types: {', '.join(sorted(unknown))}")
        for name, each in stored.items():
            check(each, writes.get(name, each.schema))
        self._encode = msgspec.json.Encoder().encode
        self._types = {event.cls: (event.cls.__name__, event.schema) for event in events}
        self._older = {name: schema for name, schema in writes.items() if schema < stored[name].schema}
        self._newest = {cls: place for cls, place in self._types.items() if place[0] not in self._older}
        self._events = {event.cls.__name__: event for event in events}
        self._decoders: dict[str, Callable[[str], Any]] = {
            event.cls.__name__: msgspec.json.Decoder(event.cls).decode for event in events
        }
        self._state = state
        self._state_decoder: Callable[[str], Any] = msgspec.json.Decoder(state.cls).decode
        self.state_schema = writes.get(state.cls.__name__, state.schema)
        """The schema in which states are written."""

    def encode(self, event: E) -> tuple[str, int, str]:
        """The event as (type, schema, JSON text), in the schema that is written.

        Raises UnknownSchemaError for a class that is not registered, SchemaNotWrittenError for an event that is not
        written yet, or that the older schema cannot hold.
        """
        newest = self._newest.get(type(event))
        if newest is None:
            return self._encode_older(event)
        return *newest, self._encode(event).decode()

    def name_of(self, event: E) -> tuple[str, int]:
        """The event's type name and newest schema. Raises UnknownSchemaError for a class that is not registered."""
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
        return upcast(data, schema, event_type)  # type: ignore[no-any-return]

    def encode_state(self, state: S) -> str | None:
        """The state as JSON text of `state_schema`. None, and so no snapshot, if an older schema cannot hold it."""
        if self.state_schema != self._state.schema:
            return downcast(state, self.state_schema, self._state)
        return self._encode(state).decode()

    def can_decode_state(self, schema: int | None) -> bool:
        """Whether a snapshot of this schema is usable. One that later code wrote is not; the events still are."""
        return schema is not None and 1 <= schema <= self._state.schema

    def decode_state(self, schema: int | None, text: str) -> S:
        """The state of a usable snapshot. Raises UnknownSchemaError, msgspec.MsgspecError."""
        if schema is None or not self.can_decode_state(schema):
            raise UnknownSchemaError(f"no state of schema {schema} is known")
        if schema == self._state.schema:
            return self._state_decoder(text)  # type: ignore[no-any-return]
        return upcast(text, schema, self._state)  # type: ignore[no-any-return]

    def _encode_older(self, event: E) -> tuple[str, int, str]:
        name, _ = self.name_of(event)
        schema = self._older[name]
        text = downcast(event, schema, self._events[name]) if schema else None
        if text is None:
            raise SchemaNotWrittenError(f"{name} is written in schema {schema}, which cannot hold this event")
        return name, schema, text
