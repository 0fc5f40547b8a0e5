"""docs/commands.md: its bodies are those of the classes, its problems those of the contract."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest

from lambdas.accounts.commands import COMMANDS, AnyCommand
from lambdas.contracts import problems
from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.command_model import command_model
from lambdas.contracts.http import CommandAccepted, CommandState, CommandStatus
from lambdas.contracts.openapi import openapi_document

GUIDE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text("utf-8")
BODIES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)]
SENT = [body for body in BODIES if "command_id" not in body]
SENT_BY_CURL = [json.loads(body) for body in re.findall(r" -d '(\{.*?\})'", GUIDE)]
SHOWN = [body for body in BODIES if "command_id" in body]
ELIDED = {"account_id": "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"} | dict.fromkeys(
    ("submitted_at", "completed_at"), "2026-03-01T09:30:00.123Z"
)
"""What stands where a page writes an ellipsis, since it differs each time."""
PRINTED = [json.loads(line) for line in re.findall(r"^\{\"command_id\".*\}$", GUIDE, re.MULTILINE)]
ANSWERS = [{name: ELIDED[name] if value == "…" else value for name, value in body.items()} for body in PRINTED]
ACCEPTED = [body for body in ANSWERS if "submitted_at" not in body]
ASKED = [body for body in ANSWERS if "submitted_at" in body]
COMPONENTS = openapi_document()["components"]
TYPES = {kind.uri: kind for kind in problems.PROBLEM_TYPES}
SUBMIT, READ = ASYNCHRONOUS_OPERATIONS


def fits(shape: type, body: Any) -> None:
    """The class keeps all that is in the body, and the published schema accepts it."""
    assert msgspec.to_builtins(msgspec.convert(body, shape)) == body
    schema = {"$ref": f"#/components/schemas/{shape.__name__}", "components": COMPONENTS}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(body)


@pytest.mark.parametrize("body", [*SENT, *SENT_BY_CURL], ids=str)
def test_every_command_is_valid(body: dict[str, Any]) -> None:
    msgspec.convert(body, AnyCommand)
    jsonschema_rs.Draft4Validator(command_model()).validate(body)


def test_every_kind_of_command_is_shown() -> None:
    assert [body["type"] for body in SENT] == [command.__name__ for command in COMMANDS]
    assert len(SENT_BY_CURL) == GUIDE.replace("tr -d", "tr").count(" -d ") > 0


def test_the_answer_that_accepts_a_command_is_valid() -> None:
    assert len(ACCEPTED) == 1
    fits(CommandAccepted, ACCEPTED[0])
    assert f"Location: commands/{ACCEPTED[0]['command_id']}\n" in GUIDE


@pytest.mark.parametrize("body", [*SHOWN, *ASKED], ids=lambda body: str(body["status"]))
def test_every_status_is_valid(body: dict[str, Any]) -> None:
    fits(CommandStatus, body)
    if "problem" in body:
        kind = TYPES[body["problem"]["type"]]
        assert (body["problem"]["title"], body["problem"]["status"]) == (kind.title, kind.status)


def test_every_status_is_shown_and_explained() -> None:
    assert [body["status"] for body in SHOWN] == list(get_args(CommandState))
    assert re.findall(r"^\| ([A-Z]+) \|", GUIDE, re.MULTILINE) == list(get_args(CommandState))


def test_every_answer_to_a_sent_command_is_in_the_table() -> None:
    section = GUIDE.partition("| answer |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in section.splitlines()[2:]]
    told = {
        (int(status), code)
        for statuses, codes in rows
        for status in statuses.split(", ")
        for code in re.findall(r"`([a-z-]+)`", codes)
        if {kind.code: kind.status for kind in problems.PROBLEM_TYPES}[code] == int(status)
    }
    assert told == {(kind.status, kind.code) for kind in SUBMIT.problems}
    assert rows[0] == [str(SUBMIT.status), ""]


def test_what_only_a_status_can_tell_is_in_the_text() -> None:
    for kind in (*problems.OF_COMMANDS_ONLY, problems.COMMAND_NOT_FOUND, problems.STORE_UNAVAILABLE):
        assert f"`{kind.code}`" in GUIDE
    assert {problems.COMMAND_NOT_FOUND, problems.STORE_UNAVAILABLE} <= set(READ.problems)
