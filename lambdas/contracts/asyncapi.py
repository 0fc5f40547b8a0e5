"""The AsyncAPI 3.0 document of the domain events, generated from the event classes. No function imports this."""

from __future__ import annotations

from typing import Final

import msgspec

from lambdas.accounts.codec import EVENT_SCHEMAS, Schema
from lambdas.contracts.event_examples import published_example
from lambdas.contracts.event_schemas import (
    ENVELOPE_NAME,
    LEDGER_ENVELOPE_NAME,
    data_document,
    data_schema,
    envelope_document,
    event_type,
    ledger_envelope_document,
    ledger_schema_name,
    schema_name,
)
from lambdas.contracts.json_schema import Document
from lambdas.contracts.ledger_events import LEDGER_EVENTS, LEDGER_SOURCE, ledger_data_schema, ledger_event_type

_CHANNEL: Final = "domainEvents"
_DESCRIPTION = (
    "Every event of every account, as CloudEvents 1.0 JSON documents in a Kinesis stream. The partition key is the "
    "account's id. A record holds one or more consecutive events of one account, a line each (line feed at the end of "
    "every line).\n\n"
    "Delivery is at least once: events may arrive again and, rarely, out of order. Drop an `id` that you have seen "
    "and order by `streamversion`. The last `streamversion` plus 1 is the next event, a lower one is a duplicate, a "
    "higher one means that events are missing: read those from the ledger. An event's `rowhash` never changes: "
    "another one at a `streamversion` that you have seen, or below it a later `recordedtime` than that of the last "
    "event, is no duplicate. The history was restored or rewritten: stop that account.\n\n"
    f"What has the source `{LEDGER_SOURCE}` is no event of an account's history and has no `streamversion`. After a "
    "restore each account concerned gets a `Restored`: what is beyond its `last_good_version` and recorded before its "
    "`recordedtime` is revoked. Undo it, ignore it if it arrives again, and go on from the last good version.\n\n"
    "Ignore types and attributes that you do not know: adding one is not a new version. A changed shape of `data` is a "
    "new version, in `type` and `dataschema`."
)


def asyncapi_document() -> Document:
    """The document as JSON values."""
    names = [*map(schema_name, EVENT_SCHEMAS), *map(ledger_schema_name, LEDGER_EVENTS)]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Daybook domain events", "version": "1.0.0", "description": _DESCRIPTION},
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            _CHANNEL: {
                "title": "Domain events",
                "description": "The Kinesis stream named by the stack output `DomainEventStreamName`.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {
            "publishDomainEvents": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "summary": "Daybook publishes each event once it is recorded, and after a restore what it revoked.",
            }
        },
        "components": {
            "messages": {
                **{schema_name(each): _message(each) for each in EVENT_SCHEMAS},
                **{ledger_schema_name(each): _ledger_message(each) for each in LEDGER_EVENTS},
            },
            "schemas": {
                ENVELOPE_NAME: envelope_document(),
                **{schema_name(each): data_document(each) for each in EVENT_SCHEMAS},
                LEDGER_ENVELOPE_NAME: ledger_envelope_document(),
                **{ledger_schema_name(each): data_document(Schema(each)) for each in LEDGER_EVENTS},
            },
        },
    }


def _message(schema: Schema) -> Document:
    name = schema_name(schema)
    message = _message_of(name, schema.cls, ENVELOPE_NAME, event_type(schema), data_schema(schema))
    return {**message, "correlationId": {"location": "$message.payload#/correlationid"}}


def _ledger_message(cls: type[msgspec.Struct]) -> Document:
    return _message_of(
        ledger_schema_name(cls), cls, LEDGER_ENVELOPE_NAME, ledger_event_type(cls), ledger_data_schema(cls)
    )


def _message_of(name: str, cls: type[msgspec.Struct], envelope: str, kind: str, schema_id: str) -> Document:
    return {
        "name": kind,
        "title": cls.__name__,
        "summary": cls.__doc__,
        "payload": {
            "allOf": [
                {"$ref": f"#/components/schemas/{envelope}"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": kind},
                        "dataschema": {"const": schema_id},
                        "data": {"$ref": f"#/components/schemas/{name}"},
                    },
                },
            ]
        },
        "examples": [{"name": name, "payload": published_example(cls)}],
    }
