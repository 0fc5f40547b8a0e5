"""The AsyncAPI 3.0 document of the domain events, generated from the event classes. No function imports this."""

from __future__ import annotations

from typing import Final

from lambdas.accounts.codec import EVENT_SCHEMAS, Schema
from lambdas.contracts.event_examples import published_example
from lambdas.contracts.event_schemas import (
    ENVELOPE_NAME,
    data_document,
    data_schema,
    envelope_document,
    event_type,
    schema_name,
)
from lambdas.contracts.json_schema import Document

_CHANNEL: Final = "domainEvents"
_DESCRIPTION = (
    "Every event of every account, as CloudEvents 1.0 JSON documents in a Kinesis stream. The partition key is the "
    "account's id. A record holds one or more consecutive events of one account, a line each (line feed at the end of "
    "every line).\n\n"
    "Delivery is at least once: events may arrive again and, rarely, out of order. Drop an `id` that you have seen "
    "and order by `streamversion`. The last `streamversion` plus 1 is the next event, a lower one is a duplicate, a "
    "higher one means that events are missing: read those from the ledger. An event's `rowhash` never changes: "
    "another one at a `streamversion` that you have seen, or below it a later `recordedtime` than that of the last "
    "event, is no duplicate. The history was restored or rewritten: stop that account. Ignore types and attributes "
    "that you do not know: adding one is not a new version. A changed shape of `data` is a new version, in `type` and "
    "`dataschema`."
)


def asyncapi_document() -> Document:
    """The document as JSON values."""
    names = [schema_name(each) for each in EVENT_SCHEMAS]
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
                "summary": "Daybook publishes each event once it is recorded.",
            }
        },
        "components": {
            "messages": {schema_name(each): _message(each) for each in EVENT_SCHEMAS},
            "schemas": {
                ENVELOPE_NAME: envelope_document(),
                **{schema_name(each): data_document(each) for each in EVENT_SCHEMAS},
            },
        },
    }


def _message(schema: Schema) -> Document:
    name = schema_name(schema)
    return {
        "name": event_type(schema),
        "title": schema.cls.__name__,
        "summary": schema.cls.__doc__,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {
            "allOf": [
                {"$ref": f"#/components/schemas/{ENVELOPE_NAME}"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": event_type(schema)},
                        "dataschema": {"const": data_schema(schema)},
                        "data": {"$ref": f"#/components/schemas/{name}"},
                    },
                },
            ]
        },
        "examples": [{"name": name, "payload": published_example(schema.cls)}],
    }
