"""JSON Schemas (2020-12) of the domain events: the envelope, and the data of each type and version.

Only current versions are generated from the classes. Files of earlier versions stay as they were committed: the lake
still holds events of those versions. No function imports this.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambdas.accounts.codec import EVENT_SCHEMAS, Schema
from lambdas.contracts.domain_events import DATASCHEMA_PREFIX, TYPE_PREFIX, DomainEvent
from lambdas.contracts.json_schema import Document, without_python_anchors

ENVELOPE_NAME: Final = "DomainEvent"
ENVELOPE_ID: Final = "urn:daybook:schema:domain-event"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_name(schema: Schema, version: int | None = None) -> str:
    """The name of the schema of an event's data: `<class>.v<version>`, the current one if none is given."""
    return f"{schema.cls.__name__}.v{version or schema.version}"


def event_type(schema: Schema, version: int | None = None) -> str:
    """The `type` of its domain events."""
    return TYPE_PREFIX + schema_name(schema, version)


def data_schema(schema: Schema, version: int | None = None) -> str:
    """The `dataschema` of its domain events, which is the schema's `$id`."""
    return f"{DATASCHEMA_PREFIX}{schema.cls.__name__}:{version or schema.version}"


def data_document(schema: Schema) -> Document:
    """The schema of the data of an event's current version, without an identity of its own."""
    _, components = msgspec.json.schema_components([schema.cls], ref_template="#/$defs/{name}")
    if components.keys() != {schema.cls.__name__}:
        raise TypeError(f"{schema.cls.__name__} has fields that are not plain: {sorted(components)}")
    document: Document = without_python_anchors(components[schema.cls.__name__])
    return document


def envelope_document() -> Document:
    """The schema of the envelope, with any object as `data`, without an identity of its own.

    `description` and `title` are the contract's; unknown attributes are allowed, so that some can be added.
    """
    _, components = msgspec.json.schema_components([DomainEvent[dict[str, Any]]], ref_template="#/$defs/{name}")
    (document,) = without_python_anchors(components).values()
    return {**document, "title": ENVELOPE_NAME}


def event_schema_documents() -> dict[str, Document]:
    """Name to document, for the envelope and every current version.

    The envelope's schema says which data goes with which known type, and accepts types that are added later.
    """
    documents: dict[str, Document] = {
        schema_name(each): {"$schema": _DIALECT, "$id": data_schema(each), **data_document(each)}
        for each in EVENT_SCHEMAS
    }
    documents[ENVELOPE_NAME] = {
        "$schema": _DIALECT,
        "$id": ENVELOPE_ID,
        **envelope_document(),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": event_type(each, version)}}},
                "then": {
                    "properties": {
                        "dataschema": {"const": data_schema(each, version)},
                        "data": {"$ref": data_schema(each, version)},
                    }
                },
            }
            for each in EVENT_SCHEMAS
            for version in range(1, each.version + 1)
        ],
    }
    return documents
