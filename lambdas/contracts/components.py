"""The reusable parts of the OpenAPI document: schemas from the classes, parameters and headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec

from lambdas.accounts.events import AccountEvent
from lambdas.contracts.examples import ACCOUNT_ID, COMMAND_ID, CORRELATION_ID
from lambdas.contracts.http import (
    COMMAND_ID_PATTERN,
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
_EVENTS: Final[tuple[type[msgspec.Struct], ...]] = get_args(AccountEvent)
_REPLIES: Final = (Account, TransferResult, CommandAccepted, CommandStatus)
_NEXT_PAGE: Final = "MjI"
_TAGS = r'(W/)?"[!#-~]*"'
_ENTITY_TAGS: Final = {"type": "string", "pattern": rf"^(\*|{_TAGS}([ \t]*,[ \t]*{_TAGS})*)$"}
_TOKEN: Final = {"type": "string", "pattern": r"^[A-Za-z0-9._:-]{1,64}$"}
_COMMAND_ID: Final = {"type": "string", "pattern": COMMAND_ID_PATTERN, "maxLength": 64}
_VERSION: Final = {"type": "integer", "minimum": 1, "maximum": 10**16 - 1}


def schema_ref(shape: type) -> Document:
    """A reference to the schema of a class."""
    return _ref(shape.__name__)


def _ref(name: str) -> Document:
    return {"$ref": _REF + name}


def any_command_ref() -> Document:
    """A reference to the schema of a command that is told by its tag."""
    return _ref(ANY_COMMAND)


def schemas(commands: Sequence[type[msgspec.Struct]]) -> Document:
    """The schemas of commands, replies, events and problems."""
    shapes = [*commands, *_EVENTS, *_REPLIES, _history_entry(), Problem]
    _, components = msgspec.json.schema_components(shapes, ref_template=_REF + "{name}")
    for command in commands:
        # The route says which command it is, so that here, unlike in stored commands, the tag may be left out.
        components[command.__name__]["required"] = [
            name for name in components[command.__name__].get("required", []) if name != "type"
        ]
    components[ANY_COMMAND] = _any_of(commands)
    components[HistoryEntry.__name__]["oneOf"] = [
        {"properties": {"type": {"const": event.__name__}, "data": schema_ref(event)}} for event in _EVENTS
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
    """One of the commands, told by its tag, which is required here."""
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


def _parameter(place: str, name: str, schema: Document, description: str, example: Any) -> Document:
    parameter = {"in": place, "name": name, "description": description, "schema": schema, "example": example}
    return parameter | {"required": True} if place == "path" else parameter


PARAMETERS: Final[Document] = {
    "AccountId": _parameter(
        "path",
        "account_id",
        {
            "type": "string",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        },
        "A UUID in lower case.",
        ACCOUNT_ID,
    ),
    "CommandId": _parameter(
        "path",
        "command_id",
        _COMMAND_ID,
        "The `command_id` of the answer that accepted the command.",
        COMMAND_ID,
    ),
    "Version": _parameter(
        "query", "version", _VERSION, "The account as it was at this version; 404 beyond the newest.", 3
    ),
    "At": _parameter(
        "query",
        "at",
        {"type": "string", "format": "date-time"},
        "The account as the ledger knew it at this time; 400 in the future, 404 before the first event.",
        "2026-03-01T09:30:00Z",
    ),
    "MinVersion": _parameter(
        "query",
        "min_version",
        _VERSION,
        "Read your writes: 503 with Retry-After as long as the account is at a lower version.",
        3,
    ),
    "Limit": _parameter(
        "query",
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        "The most events on a page.",
        20,
    ),
    "Cursor": _parameter(
        "query",
        "cursor",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
        "`next_cursor` of the page before; opaque.",
        _NEXT_PAGE,
    ),
    "IfMatch": _parameter(
        "header",
        "If-Match",
        _ENTITY_TAGS,
        "Go on only if the account is at one of these versions, else 412. Weak tags never match.",
        '"22"',
    ),
    "IfNoneMatch": _parameter(
        "header", "If-None-Match", _ENTITY_TAGS, "304 if the account is at one of these versions.", '"22"'
    ),
    "IdempotencyKey": _parameter(
        "header",
        "Idempotency-Key",
        _TOKEN,
        "A request repeated under its key within 7 days gets the first answer again; successes, 412 and 422 are "
        "remembered. Keys belong to an account; for transfers to the sending one.",
        "5f1c9d4e-order-17",
    ),
    "CommandKey": _parameter(
        "header",
        "Idempotency-Key",
        _COMMAND_ID,
        "Becomes the command's id; one is made when it is left out. The same key and bytes again are answered 202 and "
        "change nothing, other bytes 422. Keys belong to the account in the path and do not expire.",
        "5f1c9d4e-order-17",
    ),
    "CorrelationId": _parameter(
        "header",
        "X-Correlation-Id",
        _TOKEN,
        "Kept with the events and given back; the gateway's request id when left out.",
        CORRELATION_ID,
    ),
}


def _header(description: str, schema: Document | None = None) -> Document:
    return {"description": description, "schema": schema or {"type": "string"}}


HEADERS: Final[Document] = {
    "ETag": _header("The version of the account, quoted.", {"type": "string", "pattern": '^"[1-9][0-9]*"$'}),
    "Location": _header("The account or the command's status, relative to the URL of the request."),
    "IdempotentReplayed": _header("Present when the answer was given before.", {"const": "true"}),
    "CorrelationId": _header("The correlation id of the request."),
    "CacheControl": _header("Account data must not be stored by caches.", {"const": "no-store"}),
    "Allow": _header("The methods of the path."),
    "RetryAfter": _header("Seconds to wait.", {"type": "string", "pattern": "^[0-9]+$"}),
}
