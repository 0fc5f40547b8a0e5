"""The committed OpenAPI document: what the classes say, valid, and complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema_rs
import pytest
import schemathesis

from lambdas.accounts.commands import COMMANDS
from lambdas.accounts.errors import AccountAlreadyExistsError
from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.http import CommandState
from lambdas.contracts.openapi import OPENAPI_FILE, openapi_document, openapi_text
from lambdas.contracts.operations import OPERATIONS
from lambdas.contracts.problems import METHOD_NOT_ALLOWED, OF_COMMANDS_ONLY, PATH_NOT_FOUND, PROBLEM_TYPES, rule_broken
from lambdas.httpapi.routing import GATEWAY_ROUTES, ROUTES
from lambdas.inbox import table

DOCUMENT = openapi_document()
STATUSES = (table.PENDING, table.SUCCEEDED, table.REJECTED, table.FAILED)


def referenced(value: Any) -> Iterator[str]:
    """Every $ref in it."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from referenced(item)
    elif isinstance(value, list):
        for item in value:
            yield from referenced(item)


def resolve(reference: str) -> Any:
    target: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return target


def contents(value: Any) -> Iterator[dict[str, Any]]:
    """Every media type object: a schema with its examples."""
    if isinstance(value, dict):
        if "schema" in value and ("example" in value or "examples" in value):
            yield value
        for item in value.values():
            yield from contents(item)
    elif isinstance(value, list):
        for item in value:
            yield from contents(item)


def test_the_committed_document_is_the_generated_one() -> None:
    committed = OPENAPI_FILE.read_text(encoding="utf-8")
    assert committed == openapi_text(), "run: python -m lambdas.contracts.generate"


def test_the_document_is_valid() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_a_broken_document_would_not_be_valid() -> None:
    broken = json.loads(openapi_text())
    del broken["paths"]["/accounts"]["post"]["responses"]["201"]["description"]
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_reference_leads_somewhere_and_every_part_is_used() -> None:
    used = set(referenced(DOCUMENT))
    for reference in used:
        resolve(reference)
    for section in ("schemas", "parameters", "headers", "examples", "responses"):
        assert {f"#/components/{section}/{name}" for name in DOCUMENT["components"][section]} <= used


def test_it_has_the_routes_of_the_function_and_those_of_the_gateway() -> None:
    documented = {path: tuple(item) for path, item in DOCUMENT["paths"].items()}
    served = {**ROUTES, **GATEWAY_ROUTES}
    assert documented == {path: tuple(method.lower() for method in methods) for path, methods in served.items()}


def test_the_gateway_answers_what_is_asynchronous() -> None:
    operations = {(operation.path, operation.method) for operation in ASYNCHRONOUS_OPERATIONS}
    assert operations == {(path, method) for path, methods in GATEWAY_ROUTES.items() for method in methods}


def test_every_problem_type_is_documented() -> None:
    by_operations = {kind for operation in (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS) for kind in operation.problems}
    of_commands = {*OF_COMMANDS_ONLY, rule_broken(AccountAlreadyExistsError)}
    assert by_operations | {PATH_NOT_FOUND, METHOD_NOT_ALLOWED, *of_commands} == set(PROBLEM_TYPES)
    assert by_operations.isdisjoint(of_commands)
    for kind in (PATH_NOT_FOUND, METHOD_NOT_ALLOWED):
        assert kind.uri in DOCUMENT["info"]["description"]


@pytest.mark.parametrize("content", list(contents(DOCUMENT)), ids=lambda content: str(content["schema"])[:60])
def test_every_example_fits_its_schema(content: dict[str, Any]) -> None:
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    examples = [content["example"]] if "example" in content else []
    named = content.get("examples", {}).values()
    examples += [(resolve(each["$ref"]) if "$ref" in each else each)["value"] for each in named]
    assert examples
    for example in examples:
        validator.validate(example)


def test_the_tag_of_a_command_is_optional_and_fixed() -> None:
    for operation in OPERATIONS:
        if operation.command is not None:
            schema = DOCUMENT["components"]["schemas"][operation.command.__name__]
            assert schema["properties"]["type"] == {"type": "string", "enum": [operation.command.__name__]}
            assert "type" not in schema["required"]
            assert schema["additionalProperties"] is False


ACCEPTED, STATUS = (DOCUMENT["paths"][operation.path] for operation in ASYNCHRONOUS_OPERATIONS)


def test_every_answer_of_the_asynchronous_routes_is_documented() -> None:
    common = {"400", "401", "403", "429", "500", "503"}
    assert ACCEPTED["post"]["responses"].keys() == common | {"202", "413", "415", "422"}
    assert STATUS["get"]["responses"].keys() == common | {"200", "404", "415"}
    assert {"Location", "Retry-After", "X-Correlation-Id"} <= ACCEPTED["post"]["responses"]["202"]["headers"].keys()


def test_an_asynchronous_command_is_told_by_its_tag() -> None:
    (body,) = ACCEPTED["post"]["requestBody"]["content"].values()
    validator = jsonschema_rs.Draft202012Validator({**body["schema"], "components": DOCUMENT["components"]})
    assert list(body["examples"]) == [command.__name__ for command in COMMANDS]
    for name, example in body["examples"].items():
        command = example["value"]
        assert command["type"] == name
        untagged = {field: value for field, value in command.items() if field != "type"}
        assert not validator.is_valid(untagged), name
        assert not validator.is_valid(command | {"more": 1}), name


def test_a_status_of_every_kind_is_shown() -> None:
    (answer,) = STATUS["get"]["responses"]["200"]["content"].values()
    shown = {name: example["value"] for name, example in answer["examples"].items()}
    assert {name: example["status"] for name, example in shown.items()} == {name: name for name in STATUSES}
    assert {name for name, status in shown.items() if "completed_at" in status} == set(STATUSES) - {table.PENDING}
    assert {name for name, status in shown.items() if "problem" in status} == {table.REJECTED, table.FAILED}
    for name in ("version", "balance"):
        assert {each for each, status in shown.items() if name in status} == {table.SUCCEEDED}


def test_statuses_are_those_of_the_table() -> None:
    assert get_args(CommandState) == STATUSES


def test_patterns_are_written_for_json_schema() -> None:
    assert r"(?!\n)" not in openapi_text()


def test_only_what_a_receipt_repeats_says_that_it_is_repeated() -> None:
    """A rejection: a broken rule, or another version than If-Match, of an operation that takes a key."""
    document = openapi_document()
    told = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                name = response.get("$ref", "").rpartition("/")[2]
                found = document["components"]["responses"][name] if name else response
                if "Idempotent-Replayed" in found["headers"] and int(status) >= 400:
                    told.add((method, path.rpartition("/")[2], status))
    on_account = {("post", end, status) for end in ("credit", "withdraw", "close") for status in ("412", "422")}
    assert told == on_account | {("post", "transfers", "422")}


def test_an_opening_is_never_told_that_its_account_exists() -> None:
    """Its id is new, or derived from its key."""
    answers = openapi_document()["paths"]["/accounts"]["post"]["responses"]
    assert "account-already-exists" not in json.dumps(answers)
