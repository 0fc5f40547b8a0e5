"""The gateway's model of commands: closed, in words that the gateway takes, and wide enough to leave naming to VTL."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from lambdas.accounts.commands import COMMANDS, Command
from lambdas.contracts.command_model import command_model, field_names
from lambdas.contracts.examples import command_example
from lambdas.contracts.generate import COMMAND_MODEL_FILE

LARGEST_MODEL = 400 * 1024
"""Bytes. Source: API Gateway Developer Guide, "Quotas for configuring and running a REST API"."""
MODEL = command_model()
VALIDATOR = jsonschema_rs.Draft4Validator(MODEL)


def test_it_is_closed_and_has_every_field_of_every_command() -> None:
    assert set(Command.__subclasses__()) == set(COMMANDS)
    assert MODEL["additionalProperties"] is False
    assert set(MODEL["properties"]) == {"type"} | {field for command in COMMANDS for field in command.__struct_fields__}
    assert field_names() == tuple(MODEL["properties"])


def test_only_keywords_that_the_gateway_takes() -> None:
    assert MODEL.keys() == {"$schema", "type", "additionalProperties", "properties"}
    assert {keyword for field in MODEL["properties"].values() for keyword in field} == {"minLength"}
    assert MODEL["$schema"] == "http://json-schema.org/draft-04/schema#"


def test_it_is_committed_and_far_from_the_largest() -> None:
    assert json.loads(COMMAND_MODEL_FILE.read_text("utf-8")) == MODEL
    assert len(json.dumps(MODEL)) < LARGEST_MODEL / 100


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.__name__)
def test_every_command_is_in_it(command: Any) -> None:
    VALIDATOR.validate(command_example(command))


@pytest.mark.parametrize(
    "wrong", [{"more": 1}, {"name": "Jane Doe"}, {"Amount": 1}, {"__proto__": {}}, {"": 1}], ids=str
)
def test_no_field_passes_that_no_command_has(wrong: dict[str, Any]) -> None:
    """What passed would be kept with the command, for good."""
    assert not VALIDATOR.is_valid(command_example(COMMANDS[1]) | wrong)


@pytest.mark.parametrize("body", [[], "CreditAccount", None, 1, True], ids=str)
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    assert not VALIDATOR.is_valid(body)
