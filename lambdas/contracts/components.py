"""The schemas of the OpenAPI document, from the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from lambdas.accounts.events import EVENTS
from lambdas.contracts.expectations import optional_fields
from lambdas.contracts.http import (
    Account,
    CommandAccepted,
    CommandStatus,
    History,
    HistoryEntry,
    Problem,
    TransferResult,
)
from lambdas.contracts.problems import PROBLEM_TYPES

Document = dict[str, Any]

ANY_COMMAND: Final = "AsynchronousCommand"

_REF = "#/components/schemas/"
_REPLIES: Final = (Account, TransferResult, CommandAccepted, CommandStatus)


def schema_ref(shape: type) -> Document:
    """A reference to the schema of a class."""
    return _ref(shape.__name__)


def _ref(name: str) -> Document:
    return {"$ref": _REF + name}


def any_command_ref() -> Document:
    """A reference to the schema of any command; the tag says which one."""
    return _ref(ANY_COMMAND)


def schemas(commands: Sequence[type[msgspec.Struct]]) -> Document:
    """The schemas of commands, replies, events and problems."""
    shapes = [*commands, *EVENTS, *_REPLIES, _history_entry(), Problem]
    _, components = msgspec.json.schema_components(shapes, ref_template=_REF + "{name}")
    for command in commands:
        # The route says which command it is, so that here, unlike in stored commands, the tag may be left out.
        components[command.__name__]["required"] = [
            name for name in components[command.__name__].get("required", []) if name != "type"
        ]
        for name in optional_fields(command):
            field = components[command.__name__]["properties"][name]
            field["type"] = [field["type"], "null"]
    components[ANY_COMMAND] = _any_of(commands)
    components[HistoryEntry.__name__]["oneOf"] = [
        {"properties": {"type": {"const": event.__name__}, "data": schema_ref(event)}} for event in EVENTS
    ]
    components[History.__name__] = _history()
    components[Problem.__name__]["properties"]["type"] = {
        "type": "string",
        "enum": [kind.uri for kind in PROBLEM_TYPES],
    }
    components[Problem.__name__]["properties"]["status"] |= {"minimum": 400, "maximum": 599}
    published: Document = without_python_anchors(components)
    return published


def _any_of(commands: Sequence[type[msgspec.Struct]]) -> Document:
    """Any of the commands. The tag says which one, so it is required here."""
    return {
        "title": ANY_COMMAND,
        "description": "A command; `type` says which one.",
        "type": "object",
        "required": ["type"],
        "oneOf": [schema_ref(command) for command in commands],
        "discriminator": {
            "propertyName": "type",
            "mapping": {command.__name__: _REF + command.__name__ for command in commands},
        },
    }


def _history_entry() -> type[msgspec.Struct]:
    """HistoryEntry with any object as `data`: msgspec cannot tell untagged classes apart, the document can."""
    fields = [
        (field.name, dict[str, Any] if field.name == "data" else field.type)
        for field in msgspec.structs.fields(HistoryEntry)
    ]
    return msgspec.defstruct(HistoryEntry.__name__, fields, namespace={"__doc__": HistoryEntry.__doc__})


def _history() -> Document:
    return {
        "title": History.__name__,
        "description": History.__doc__,
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": schema_ref(HistoryEntry)},
            "next_cursor": {"type": ["string", "null"]},
        },
        "required": ["events", "next_cursor"],
    }


def without_python_anchors(value: Any) -> Any:
    """Patterns as JSON Schema reads them: there `$` matches at the very end only."""
    if isinstance(value, dict):
        return {
            key: item.replace(r"(?!\n)$", "$") if key == "pattern" else without_python_anchors(item)
            for key, item in value.items()
        }
    return [without_python_anchors(item) for item in value] if isinstance(value, list) else value
