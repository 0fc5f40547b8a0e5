"""Parts of JSON Schemas, in the words that code generators understand. No function imports this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Document = dict[str, Any]

TAG: Final = "type"
"""The property that says which class an object is of."""
REF: Final = "#/components/schemas/"

_TYPES: Final = {str: "string", int: "integer"}


def ref(name: str) -> Document:
    """A reference to a schema of the OpenAPI document."""
    return {"$ref": REF + name}


def one_of(names: Mapping[str, str]) -> Document:
    """A choice of schemas of the OpenAPI document; `names` are theirs by the tag that each demands."""
    return {
        "oneOf": [ref(name) for name in names.values()],
        "discriminator": {"propertyName": TAG, "mapping": {tag: REF + name for tag, name in names.items()}},
    }


def one_value_of(*values: str | int) -> Document:
    """One of these values, all of one type. A single one is no `const`: generators skip that in what they merge."""
    return {"type": _TYPES[type(values[0])], "enum": list(values)}


def typed(value: Any) -> Any:
    """Every `enum` in a schema with the type of its values beside it, which msgspec leaves out."""
    if isinstance(value, dict):
        inner = {key: typed(item) for key, item in value.items()}
        return one_value_of(*inner["enum"]) | inner if "enum" in inner else inner
    return [typed(item) for item in value] if isinstance(value, list) else value


def or_null(value: Any) -> Any:
    """A choice of null and one type, as msgspec writes it for `T | None`, as one type that may be null."""
    if isinstance(value, dict):
        inner = {key: or_null(item) for key, item in value.items()}
        match inner:
            case {"anyOf": [{"type": str() as kind, **more}, {"type": "null"}]}:
                del inner["anyOf"]
                return inner | more | {"type": [kind, "null"]}
        return inner
    return [or_null(item) for item in value] if isinstance(value, list) else value


def without_python_anchors(value: Any) -> Any:
    """Patterns as JSON Schema reads them: there `$` matches at the very end only."""
    if isinstance(value, dict):
        return {
            key: item.replace(r"(?!\n)$", "$") if key == "pattern" else without_python_anchors(item)
            for key, item in value.items()
        }
    return [without_python_anchors(item) for item in value] if isinstance(value, list) else value
