"""The request model by which the gateway closes asynchronous commands: a JSON object with no field that no command has.

It is kept this wide on purpose. What a model refuses, the gateway answers with one fixed text: it could name the field
only by `$context.error.validationErrorString`, which comes unescaped, repeats what the client sent and shows regular
expressions. So the request's template checks `type` and every field, and names the one that is wrong; `oneOf` for each
type would be taken, but would answer first. JSON Schema draft 4. No function imports this.
Sources: API Gateway Developer Guide, "Amazon API Gateway important notes" (inline `oneOf` is taken, not `default`,
`discriminator` nor numeric `exclusiveMinimum`), "Data models for REST APIs", "Variables for data models, authorizers,
mapping templates, and CloudWatch access logging" (only `messageString` is quoted).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from lambdas.accounts.commands import COMMANDS
from lambdas.contracts.expectations import TAG_FIELD, fields_of
from lambdas.contracts.json_schema import Document

_DIALECT: Final = "http://json-schema.org/draft-04/schema#"
_NO_EMPTY_TEXT: Final = {"minLength": 1}
"""In a template an empty text is the same as an absent one, and no field may be empty."""


def command_model(commands: Sequence[type[msgspec.Struct]] = COMMANDS) -> Document:
    """The schema as JSON values."""
    return {
        "$schema": _DIALECT,
        "type": "object",
        "additionalProperties": False,
        "properties": {name: dict(_NO_EMPTY_TEXT) for name in field_names(commands)},
    }


def field_names(commands: Sequence[type[msgspec.Struct]] = COMMANDS) -> tuple[str, ...]:
    """The fields that any command has, the tag first."""
    return tuple(dict.fromkeys((TAG_FIELD, *(name for command in commands for name in fields_of(command)))))
