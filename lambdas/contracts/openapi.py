"""The OpenAPI 3.1 document of the HTTP API, generated from commands, replies and problem types.

`python -m lambdas.contracts.generate` writes `openapi.json` beside this module. No function imports this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from lambdas.accounts.commands import COMMANDS
from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.components import any_command_ref, problem_schema, schema_ref, schemas
from lambdas.contracts.examples import command_example
from lambdas.contracts.http import CommandStatus
from lambdas.contracts.json_schema import Document
from lambdas.contracts.operations import OPERATIONS, Operation
from lambdas.contracts.parameters import HEADERS, PARAMETERS
from lambdas.contracts.problems import (
    PRECONDITION_FAILED,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_TYPES,
    RULES_BROKEN,
    ProblemType,
)
from lambdas.contracts.reply_examples import problem_example, reply_example, status_examples
from lambdas.contracts.texts import TextReply

OPENAPI_FILE: Final = Path(__file__).with_name("openapi.json")

_JSON = "application/json"
_OPERATIONS: Final = (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS)
_ANSWERED = [kind for kind in PROBLEM_TYPES if any(kind in operation.problems for operation in _OPERATIONS)]
_HEADER_NAMES = {
    "IdempotentReplayed": "Idempotent-Replayed",
    "CorrelationId": "X-Correlation-Id",
    "CacheControl": "Cache-Control",
    "RetryAfter": "Retry-After",
    "Settled": "Daybook-Settled",
    "Lag": "Daybook-Lag",
}
_SETTLED, _REPLAYED = "Settled", "IdempotentReplayed"
_IN_RECEIPTS = frozenset({PRECONDITION_FAILED, *RULES_BROKEN})
"""Rejections that a receipt may hold, so that they are answered again."""
_ABOUT_A_MOMENT = {404, 412}
"""Statuses of problems that say how an account was at a moment."""

_DESCRIPTION = (
    "Bank accounts that remember everything. Money is an integer of minor units plus an ISO 4217 currency.\n\n"
    "Every error is `application/problem+json` (RFC 9457) with a stable `type`. A path that is not listed answers "
    "404 (`urn:daybook:problem:not-found`), a method that is not listed 405 with `Allow` "
    "(`urn:daybook:problem:method-not-allowed`). Unknown fields and query parameters are refused; null in an optional "
    "field or one of another command counts as absent; if a JSON key occurs twice, the last value wins, and all "
    "values must be valid. Integers "
    "are written without a fraction or an exponent: `5.0` and `5e0` are refused, although JSON Schema calls them "
    "integers. A request body holds at most 64 KB."
)


def openapi_document() -> Document:
    """The document as JSON values."""
    paths: Document = {}
    for operation in _OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Daybook",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{api_id}.execute-api.{region}.amazonaws.com/v1",
                "variables": {"api_id": {"default": "api"}, "region": {"default": "eu-west-1"}},
            }
        ],
        "security": [{"sigv4": []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas(COMMANDS, _ANSWERED),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": {
                kinds[0].code: _problem_response(kinds)
                for operation in _OPERATIONS
                for kinds in _by_status(operation)
                if _is_shared(operation, kinds)
            },
            "examples": {kind.code: {"summary": kind.title, "value": problem_example(kind)} for kind in _ANSWERED},
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4; every environment in the cloud requires it.",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            },
        },
    }


def _operation(operation: Operation) -> Document:
    document: Document = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters],
        "responses": _responses(operation),
    }
    content: Document = {}
    if operation.command is not None:
        content = {"schema": schema_ref(operation.command), "example": command_example(operation.command, tagged=False)}
    elif operation.commands:
        examples = {command.__name__: command_example(command) for command in operation.commands}
        content = {"schema": any_command_ref(), "examples": _named(examples)}
    if content:
        document["requestBody"] = {"required": operation.body_required, "content": {_JSON: content}}
    return document


def _named(values: Mapping[str, Any]) -> Document:
    return {name: {"value": value} for name, value in values.items()}


def _reply(operation: Operation) -> Document:
    """The body of the reply, by its media type."""
    if isinstance(operation.reply, TextReply):
        text = operation.reply
        schema = {"type": "string", "description": text.description, "pattern": text.pattern}
        return {text.media_type: {"schema": schema, "example": text.example}}
    examples: Document = (
        {"examples": _named(status_examples())}
        if operation.reply is CommandStatus
        else {"example": reply_example(operation.reply)}
    )
    return {_JSON: {"schema": schema_ref(operation.reply), **examples}}


def _responses(operation: Operation) -> Document:
    responses: Document = {
        str(operation.status): {
            "description": HTTPStatus(operation.status).phrase,
            "headers": _headers(operation.reply_headers),
            "content": _reply(operation),
        }
    }
    if operation.not_modified:
        responses["304"] = {"description": "Not Modified", "headers": _headers(operation.reply_headers)}
    for kinds in _by_status(operation):
        responses[str(kinds[0].status)] = (
            {"$ref": f"#/components/responses/{kinds[0].code}"}
            if _is_shared(operation, kinds)
            else _problem_response(kinds, _own_headers(operation, kinds))
        )
    return responses


def _own_headers(operation: Operation, kinds: Sequence[ProblemType]) -> list[str]:
    """Headers of a problem that only some operations send."""
    settled = _SETTLED in operation.reply_headers and kinds[0].status in _ABOUT_A_MOMENT
    replayed = _REPLAYED in operation.reply_headers and not _IN_RECEIPTS.isdisjoint(kinds)
    return [*([_SETTLED] if settled else []), *([_REPLAYED] if replayed else [])]


def _is_shared(operation: Operation, kinds: Sequence[ProblemType]) -> bool:
    return len(kinds) == 1 and not _own_headers(operation, kinds)


def _by_status(operation: Operation) -> Iterator[list[ProblemType]]:
    """The problems of each status that it may answer."""
    for status in sorted({kind.status for kind in operation.problems}):
        yield [kind for kind in PROBLEM_TYPES if kind in operation.problems and kind.status == status]


def _problem_response(kinds: Sequence[ProblemType], headers: Sequence[str] = ()) -> Document:
    """One response for all problems of a status."""
    names = [
        *headers,
        *(["RetryAfter"] if any(kind.retry_after for kind in kinds) else []),
    ]
    return {
        "description": "; ".join(kind.title for kind in kinds),
        "headers": _headers(names),
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": problem_schema(kinds),
                "examples": {kind.code: {"$ref": f"#/components/examples/{kind.code}"} for kind in kinds},
            }
        },
    }


def _headers(names: Sequence[str]) -> Document:
    return {
        _HEADER_NAMES.get(name, name): {"$ref": f"#/components/headers/{name}"}
        for name in (*names, "CorrelationId", "CacheControl")
    }


def openapi_text() -> str:
    """The document as committed."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"
