"""The OpenAPI document is written so that makers of clients leave nothing out; what they understand is tested here.

Each rule stands for something that was lost: see `test_generated_client.py`, which makes one and uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from lambdas.accounts.commands import COMMANDS, CreditAccount
from lambdas.accounts.events import EVENTS
from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.components import schemas
from lambdas.contracts.examples import command_example
from lambdas.contracts.http import HistoryEntry, Problem
from lambdas.contracts.openapi import openapi_document
from lambdas.contracts.operations import OPERATIONS
from lambdas.contracts.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES

DOCUMENT = openapi_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
CHOICES = {name: schema for name, schema in SCHEMAS.items() if "oneOf" in schema}
TYPES = {str: "string", int: "integer"}
OF_URI = {kind.uri: kind for kind in PROBLEM_TYPES}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in it, but for examples."""
    if isinstance(value, dict):
        yield value
        value = [item for key, item in value.items() if key not in {"example", "examples"}]
    for item in value if isinstance(value, list) else ():
        yield from objects(item)


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    """It, or what it refers to."""
    target: Any = value
    if "$ref" in value:
        target = DOCUMENT
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
    return dict(target)


def problems() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Operation, status and schema of every answer that is a problem."""
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if PROBLEM_MEDIA_TYPE in (content := resolve(response).get("content", {})):
                    yield operation["operationId"], int(status), content[PROBLEM_MEDIA_TYPE]["schema"]


def test_a_single_value_is_an_enum_with_its_type() -> None:
    for each in objects(DOCUMENT):
        assert "const" not in each, each
        if "enum" in each:
            assert {TYPES[type(value)] for value in each["enum"]} == {each["type"]}, each


def test_nothing_has_to_be_merged() -> None:
    assert [each for each in objects(DOCUMENT) if {"allOf", "anyOf"} & each.keys()] == []


def test_every_choice_is_made_by_a_tag_that_each_branch_requires() -> None:
    choices = [each for each in objects(DOCUMENT) if "oneOf" in each]
    assert len(choices) > len(CHOICES) > 1
    for choice in choices:
        assert choice["discriminator"]["propertyName"] == "type"
        branches = choice["discriminator"]["mapping"]
        assert [each["$ref"] for each in choice["oneOf"]] == list(branches.values())
        for tag, reference in branches.items():
            branch = resolve({"$ref": reference})
            assert branch["properties"]["type"] == {"type": "string", "enum": [tag]}
            assert "type" in branch["required"]


def test_every_problem_has_a_schema_of_its_own() -> None:
    assert {status for _, status, _ in problems()} >= {400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503}
    by_operation = {each.operation_id: each.problems for each in (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS)}
    for operation, status, schema in problems():
        branches = [resolve(each) for each in schema.get("oneOf", [schema])]
        kinds = [OF_URI[branch["properties"]["type"]["enum"][0]] for branch in branches]
        assert set(kinds) == {kind for kind in by_operation[operation] if kind.status == status}
        for branch in branches:
            assert branch["properties"]["status"] == {"type": "integer", "enum": [status]}
            assert branch["properties"].keys() == {field.name for field in msgspec.structs.fields(Problem)}
            assert branch["required"] == ["type", "title", "status"]


def test_every_history_entry_is_whole() -> None:
    mapping = SCHEMAS["HistoryEntry"]["discriminator"]["mapping"]
    assert list(mapping) == [event.__name__ for event in EVENTS]
    for event, reference in mapping.items():
        entry = resolve({"$ref": reference})
        assert entry["title"] == f"{event}Entry"
        assert (
            entry["required"]
            == list(entry["properties"])
            == [each.name for each in msgspec.structs.fields(HistoryEntry)]
        )
        assert entry["properties"]["data"] == {"$ref": f"#/components/schemas/{event}"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_an_asynchronous_command_differs_from_a_synchronous_one_by_its_tag_alone(command: type) -> None:
    own, stored = SCHEMAS[command.__name__], SCHEMAS[f"Asynchronous{command.__name__}"]
    assert stored == own | {"title": stored["title"], "required": ["type", *own["required"]]}
    for schema, needs_tag in ((own, False), (stored, True)):
        validator = jsonschema_rs.Draft202012Validator(schema | {"components": DOCUMENT["components"]})
        assert validator.is_valid(command_example(command))
        assert validator.is_valid(command_example(command, tagged=False)) != needs_tag


def test_integers_of_commands_say_how_they_are_written() -> None:
    integers = [
        field
        for command in COMMANDS
        for field in SCHEMAS[command.__name__]["properties"].values()
        if "integer" in field.get("type", ())
    ]
    assert integers
    for field in integers:
        assert "`5.0` is refused" in field["description"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"CreditAccount","amount":5.0}', type=CreditAccount)
    assert "`5.0`" in DOCUMENT["info"]["description"]


def test_a_description_is_not_indented() -> None:
    assert [each for each in objects(SCHEMAS) if "\n " in str(each.get("description", ""))] == []


def test_a_command_whose_field_is_said_by_no_class_is_described_too() -> None:
    class Freeze(msgspec.Struct, tag_field="type", tag=True):
        """Freeze an account."""

        days: int

    assert schemas([Freeze], [])["Freeze"]["properties"]["days"] == {
        "type": "integer",
        "description": "Written without a fraction or an exponent: `5.0` is refused.",
    }
