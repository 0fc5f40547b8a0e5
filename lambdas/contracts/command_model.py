"""The request model by which the gateway filters asynchronous commands: one flat object over all of them.

It accepts everything the command classes accept, and more: it cannot say which fields go with which `type`, and the
processor decodes every body with the classes again. JSON Schema draft 4 with few keywords, because API Gateway takes
no `discriminator`, `default`, numeric `exclusiveMinimum`, nor `anyOf` with `$ref`. No function imports this.
Source: API Gateway Developer Guide, "Amazon API Gateway important notes" and "Data models for REST APIs".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import msgspec

from lambdas.accounts.commands import COMMANDS
from lambdas.contracts.json_schema import Document

_DIALECT: Final = "http://json-schema.org/draft-04/schema#"
_PYTHON_END: Final = r"(?!\n)$"
_END: Final = r"(?![\s\S])$"
"""The very end in Java and in ECMA alike: Java's `$` also matches before a final line terminator."""


class CommandModelError(TypeError):
    """Commands share a field name, but one schema cannot accept all of their values."""


_WIDER: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "minimum": min,
    "maximum": max,
    "maxLength": max,
    "enum": lambda one, other: [*one, *(each for each in other if each not in one)],
}
"""Bounds and values. The wider one accepts what either accepts."""

_SAME: Final = ("type", "pattern")


def command_model(commands: Sequence[type[msgspec.Struct]] = COMMANDS) -> Document:
    """The schema as JSON values. Raises CommandModelError when fields of one name cannot be merged."""
    _, components = msgspec.json.schema_components(commands, ref_template="#/{name}")
    schemas = [components[command.__name__] for command in commands]
    required = reduce(_common, (schema.get("required", []) for schema in schemas))
    properties: Document = {}
    for schema in schemas:
        for name, field in schema["properties"].items():
            flat = _flat(field)
            properties[name] = _merged(name, properties[name], flat) if name in properties else flat
    return {"$schema": _DIALECT, "type": "object", "required": required, "properties": properties}


def _common(some: list[str], others: list[str]) -> list[str]:
    return [name for name in some if name in others]


def _flat(field: Document) -> Document:
    """A field's schema without the keywords that the gateway does not take. Without a keyword it accepts more."""
    flat = {keyword: field[keyword] for keyword in (*_SAME, *_WIDER) if keyword in field}
    return flat | {"pattern": flat["pattern"].replace(_PYTHON_END, _END)} if "pattern" in flat else flat


def _merged(name: str, one: Document, other: Document) -> Document:
    """What accepts everything that either accepts. Raises CommandModelError."""
    for keyword in _SAME:
        if one.get(keyword) != other.get(keyword):
            raise CommandModelError(f"{name} has the {keyword} {one.get(keyword)}, elsewhere {other.get(keyword)}")
    same = {keyword: one[keyword] for keyword in _SAME if keyword in one}
    wider = {
        keyword: widen(one[keyword], other[keyword])
        for keyword, widen in _WIDER.items()
        if keyword in one and keyword in other
    }
    return same | wider
