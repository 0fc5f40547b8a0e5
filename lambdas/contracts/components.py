"""The schemas of the OpenAPI document, from the classes.

It is written for what makes clients of it: every branch of a choice is a schema with a name of its own, whole and flat,
told by a required property whose only value stands in an `enum` beside its `type`, and the choice has a discriminator.
Without that openapi-python-client leaves out answers, fields and tags, and openapi-typescript makes them optional.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec

from lambdas.accounts.events import EVENTS
from lambdas.accounts.money import Currency
from lambdas.contracts.http import (
    Account,
    AccountList,
    CommandAccepted,
    CommandStatus,
    History,
    HistoryEntry,
    Problem,
    Rows,
    Totals,
    TransferResult,
)
from lambdas.contracts.json_schema import (
    REF,
    TAG,
    Document,
    one_of,
    one_value_of,
    or_null,
    ref,
    typed,
    without_python_anchors,
)
from lambdas.contracts.problems import PROBLEM_TYPES, ProblemType

ANY_COMMAND: Final = "AsynchronousCommand"

_REPLIES: Final = (Account, AccountList, Rows, Totals, TransferResult, CommandAccepted, CommandStatus)
_CURRENCY: Final = "Currency"
_CODES: Final = sorted(get_args(Currency))
"""The codes as msgspec orders them."""

_WHOLE: Final = "Written without a fraction or an exponent: `5.0` is refused."


def schema_ref(shape: type) -> Document:
    """A reference to the schema of a class."""
    return ref(shape.__name__)


def any_command_ref() -> Document:
    """A reference to the schema of any command; the tag says which one."""
    return ref(ANY_COMMAND)


def problem_name(kind: ProblemType) -> str:
    """The name of the schema of a problem of this type: `InsufficientFundsProblem`."""
    return "".join(word.capitalize() for word in kind.code.split("-")) + Problem.__name__


def problem_schema(kinds: Sequence[ProblemType]) -> Document:
    """A problem of one of these types."""
    if len(kinds) == 1:
        return ref(problem_name(kinds[0]))
    return one_of({kind.uri: problem_name(kind) for kind in kinds})


def schemas(commands: Sequence[type[msgspec.Struct]], problems: Sequence[ProblemType]) -> Document:
    """The schemas of commands, replies, events and of `problems`."""
    shapes = [*commands, *EVENTS, *_REPLIES, _history_entry(), Problem]
    _, made = msgspec.json.schema_components(shapes, ref_template=REF + "{name}")
    components: Document = or_null(typed(without_python_anchors(made)))
    for component in components.values():
        component["description"] = inspect.cleandoc(component["description"])
    components |= _commands([components[command.__name__] for command in commands])
    components |= _history(components[HistoryEntry.__name__])
    components |= _problems(components[Problem.__name__], problems)
    return components


def _commands(tagged: Sequence[Document]) -> Document:
    """Each command twice: as the body of its own route, which says which command it is, and as a stored command."""
    components: Document = {_CURRENCY: {"title": _CURRENCY, "description": "ISO 4217 code.", **one_value_of(*_CODES)}}
    for schema in tagged:
        name, needed = schema["title"], [field for field in schema.get("required", []) if field != TAG]
        properties = {
            field: _of_command(each if field in (TAG, *needed) else _or_null(each))
            for field, each in schema["properties"].items()
        }
        components[name] = {**schema, "properties": properties, "required": needed}
        stored = {"title": _stored_name(name), "required": [TAG, *needed]}
        components[_stored_name(name)] = {**components[name], **stored}
    components[ANY_COMMAND] = {
        "title": ANY_COMMAND,
        "description": "A command; `type` says which one.",
        **one_of({schema["title"]: _stored_name(schema["title"]) for schema in tagged}),
    }
    return components


def _stored_name(command: str) -> str:
    return f"Asynchronous{command}"


def _of_command(field: Document) -> Document:
    if field.get("enum") == _CODES:
        return ref(_CURRENCY)
    if "integer" in field.get("type", ()):  # or in a list of types
        return field | {"description": f"{field.get('description', '')} {_WHOLE}".lstrip()}
    return field


def _or_null(field: Document) -> Document:
    """Null in an optional field counts as absent; null in a field of another command, too, but no schema says it."""
    return field | {"type": [field["type"], "null"]}


def _history(entry: Document) -> Document:
    """A page of entries, and an entry for each class of an event."""
    names = {event.__name__: f"{event.__name__}Entry" for event in EVENTS}
    entries = {
        name: {
            **entry,
            "title": name,
            "properties": {**entry["properties"], TAG: one_value_of(event), "data": ref(event)},
        }
        for event, name in names.items()
    }
    return {
        **entries,
        HistoryEntry.__name__: {
            "title": HistoryEntry.__name__,
            "description": "One event; `type` says which one.",
            **one_of(names),
        },
        History.__name__: {
            "title": History.__name__,
            "description": inspect.cleandoc(History.__doc__ or ""),
            "type": "object",
            "properties": {
                "events": {"type": "array", "items": schema_ref(HistoryEntry)},
                "next_cursor": {"type": ["string", "null"]},
            },
            "required": ["events", "next_cursor"],
        },
    }


def _history_entry() -> type[msgspec.Struct]:
    """HistoryEntry with any object as `data`: msgspec cannot tell untagged classes apart, the document can."""
    fields = [
        (field.name, dict[str, Any] if field.name == "data" else field.type)
        for field in msgspec.structs.fields(HistoryEntry)
    ]
    return msgspec.defstruct(HistoryEntry.__name__, fields, namespace={"__doc__": HistoryEntry.__doc__})


def _problems(problem: Document, kinds: Sequence[ProblemType]) -> Document:
    """A problem of any type, as in the status of a command, and one of each of `kinds`."""
    status = {**problem["properties"]["status"], "minimum": 400, "maximum": 599}
    of_any = {TAG: one_value_of(*(kind.uri for kind in PROBLEM_TYPES)), "status": status}
    components = {Problem.__name__: {**problem, "properties": {**problem["properties"], **of_any}}}
    for kind in kinds:
        narrowed = {TAG: one_value_of(kind.uri), "status": one_value_of(kind.status)}
        components[problem_name(kind)] = {
            **problem,
            "title": problem_name(kind),
            "description": f"{kind.title}.",
            "properties": {**problem["properties"], **narrowed},
        }
    return components
