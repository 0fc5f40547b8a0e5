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
from lambdas.contracts.ledger_events import (
    LEDGER_EVENTS,
    LEDGER_SOURCE,
    LedgerEvent,
    ledger_data_schema,
    ledger_event_type,
)

ENVELOPE_NAME: Final = "DomainEvent"
ENVELOPE_ID: Final = "urn:daybook:schema:domain-event"
LEDGER_ENVELOPE_NAME: Final = "LedgerEvent"
LEDGER_ENVELOPE_ID: Final = "urn:daybook:schema:ledger-event"
PUBLISHED_NAME: Final = "Published"
PUBLISHED_ID: Final = "urn:daybook:schema:published"
"""Either envelope, by its source: what any line of the stream is."""
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


def ledger_schema_name(cls: type[msgspec.Struct]) -> str:
    """The name of the schema of the data of what the ledger tells: `<class>.v1`."""
    return f"{cls.__name__}.v1"


def envelope_document() -> Document:
    """The schema of the envelope, with any object as `data`, without an identity of its own.

    `description` and `title` are the contract's; unknown attributes are allowed, so that some can be added.
    """
    return {**_envelope(DomainEvent[dict[str, Any]]), "title": ENVELOPE_NAME}


def ledger_envelope_document() -> Document:
    """The same of the envelope of what the ledger tells."""
    return {**_envelope(LedgerEvent[dict[str, Any]]), "title": LEDGER_ENVELOPE_NAME}


def _envelope(cls: Any) -> Document:
    _, components = msgspec.json.schema_components([cls], ref_template="#/$defs/{name}")
    (document,) = without_python_anchors(components).values()
    return dict(document)


def event_schema_documents() -> dict[str, Document]:
    """Name to document, for the envelopes and every current version.

    An envelope's schema says which data goes with which known type, and accepts types that are added later.
    """
    return {
        **_account_documents(),
        **_ledger_documents(),
        PUBLISHED_NAME: {
            "$schema": _DIALECT,
            "$id": PUBLISHED_ID,
            "title": PUBLISHED_NAME,
            "description": "Any line of the stream of domain events: its source says which envelope it has.",
            "type": "object",
            "if": {"properties": {"source": {"const": LEDGER_SOURCE}}, "required": ["source"]},
            "then": {"$ref": LEDGER_ENVELOPE_ID},
            "else": {"$ref": ENVELOPE_ID},
        },
    }


def _account_documents() -> dict[str, Document]:
    documents: dict[str, Document] = {
        schema_name(each): {"$schema": _DIALECT, "$id": data_schema(each), **data_document(each)}
        for each in EVENT_SCHEMAS
    }
    documents[ENVELOPE_NAME] = {
        "$schema": _DIALECT,
        "$id": ENVELOPE_ID,
        **envelope_document(),
        "allOf": [
            _data_of(event_type(each, version), data_schema(each, version))
            for each in EVENT_SCHEMAS
            for version in range(1, each.version + 1)
        ],
    }
    return documents


def _ledger_documents() -> dict[str, Document]:
    documents: dict[str, Document] = {
        ledger_schema_name(each): {
            "$schema": _DIALECT,
            "$id": ledger_data_schema(each),
            **data_document(Schema(each)),
        }
        for each in LEDGER_EVENTS
    }
    documents[LEDGER_ENVELOPE_NAME] = {
        "$schema": _DIALECT,
        "$id": LEDGER_ENVELOPE_ID,
        **ledger_envelope_document(),
        "allOf": [_data_of(ledger_event_type(each), ledger_data_schema(each)) for each in LEDGER_EVENTS],
    }
    return documents


def _data_of(kind: str, schema_id: str) -> Document:
    """The data of documents of this type meets that schema."""
    return {
        "if": {"properties": {"type": {"const": kind}}},
        "then": {"properties": {"dataschema": {"const": schema_id}, "data": {"$ref": schema_id}}},
    }
