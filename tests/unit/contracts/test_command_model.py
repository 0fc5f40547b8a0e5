"""The gateway's model of commands: wide enough for every command, and in words that the gateway takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import hypothesis.strategies as st
import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings

from lambdas.accounts.commands import COMMANDS, AnyCommand, Command, CreditAccount, Transfer
from lambdas.contracts.command_model import CommandModelError, command_model
from lambdas.contracts.examples import command_example
from lambdas.contracts.generate import COMMAND_MODEL_FILE
from tests.support.runs import runs

MODEL = command_model()
VALIDATOR = jsonschema_rs.Draft4Validator(MODEL)
KEYWORDS = {"$schema", "type", "enum", "required", "minimum", "maximum", "maxLength", "pattern", "properties"}
SCHEMAS = msgspec.json.schema_components(COMMANDS)[1]
COMMAND = msgspec.json.Decoder(AnyCommand)

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-9))])
MOMENTS = st.datetimes(timezones=ZONES).map(datetime.isoformat)


def values(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a field of a command may be."""
    if "enum" in field:
        return st.sampled_from(field["enum"])
    if field["type"] == "integer":
        return st.integers(field["minimum"], field["maximum"]) | st.sampled_from([field["minimum"], field["maximum"]])
    if "pattern" in field:
        return st.from_regex(re.compile(field["pattern"]), fullmatch=True).filter(
            lambda text: len(text) <= field.get("maxLength", len(text))
        )
    assert field["format"] == "date-time"
    return MOMENTS


VALUES = {
    command: {name: values(field) for name, field in SCHEMAS[command]["properties"].items()}
    for command in (each.__name__ for each in COMMANDS)
}
"""What each field of each command may be. Made once: that takes longer than to draw from it."""
ODD: st.SearchStrategy[Any] = st.sampled_from(
    ["", "\n", "x" * 64, "x" * 65, "x\n", 0, 1, 1.0, 10**15 - 1, 10**15, None, True, [], {}]
)
OTHERS = st.one_of([field for fields in VALUES.values() for field in fields.values()])
ANYTHING = st.text(max_size=70) | st.integers() | ODD | OTHERS


@st.composite
def commands(draw: st.DrawFn) -> dict[str, Any]:
    """A command as a client writes it, optional fields there or not."""
    command = draw(st.sampled_from(COMMANDS)).__name__
    required = SCHEMAS[command]["required"]
    fields = [name for name in VALUES[command] if name in required or draw(st.booleans())]
    return {name: draw(VALUES[command][name]) for name in draw(st.permutations(fields))}


@st.composite
def nearly_commands(draw: st.DrawFn) -> dict[str, Any]:
    """A command with one field spoiled, by a value of any kind or of another field, or taken away."""
    command = draw(commands())
    name = draw(st.sampled_from([*MODEL["properties"], "more"]))
    command[name] = draw(ANYTHING)
    if draw(st.booleans()):
        del command[draw(st.sampled_from(sorted(command)))]
    return command


@given(command=commands())
@settings(max_examples=runs(check=100, test=300, soak=5_000))
def test_the_model_accepts_every_command(command: dict[str, Any]) -> None:
    COMMAND.decode(json.dumps(command))
    VALIDATOR.validate(command)


@given(command=nearly_commands())
@settings(max_examples=runs(check=100, test=500, soak=10_000))
def test_what_the_classes_accept_the_model_accepts(command: dict[str, Any]) -> None:
    try:
        COMMAND.decode(json.dumps(command))
    except msgspec.ValidationError:
        return
    VALIDATOR.validate(command)


@pytest.mark.parametrize("length", [1, 64])
def test_texts_at_their_bounds(length: int) -> None:
    VALIDATOR.validate(command_example(CreditAccount) | {"reference": "~" * length})


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "AccountCreated"},
        {"type": ["CreditAccount"]},
        {"amount": 0},
        {"amount": 10**15},
        {"amount": "1"},
        {"amount": 1.5},
        {"overdraft_limit": -1},
        {"currency": "XXX"},
        {"reference": "é"},
        {"reference": "text\n"},
        {"reference": "x" * 65},
        {"from_account_id": "0B8F0A1E-6C1F-4A8E-9D57-0D3F6F6F2F10"},
        {"to_account_id": "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10\n"},
        {"occurred_at": 1},
    ],
    ids=str,
)
def test_it_is_a_filter_all_the_same(wrong: dict[str, Any]) -> None:
    command = command_example(Transfer)
    VALIDATOR.validate(command)
    assert not VALIDATOR.is_valid(command | wrong)


@pytest.mark.parametrize("body", [[], "CreditAccount", None, {}, {"amount": 1}], ids=str)
def test_a_body_without_a_type_is_refused(body: Any) -> None:
    assert not VALIDATOR.is_valid(body)


def keywords(schema: dict[str, Any]) -> Iterator[str]:
    """Every keyword of a schema and of the schemas of its fields."""
    yield from schema
    for field in schema.get("properties", {}).values():
        yield from keywords(field)


def test_only_keywords_that_the_gateway_takes() -> None:
    assert set(keywords(MODEL)) <= KEYWORDS
    assert MODEL["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert all(field.get("properties") is None for field in MODEL["properties"].values())


PORTABLE = re.compile(r"\^(?:[0-9a-z-]|\[(?:[ -Z_-~](?:-[!-~])?)+\]|\{\d+\}|\+)+\(\?!\[\\s\\S\]\)\$")
"""Plain characters, classes of ASCII and counts between the very beginning and the very end."""


def test_patterns_mean_the_same_everywhere() -> None:
    patterns = [field["pattern"] for field in MODEL["properties"].values() if "pattern" in field]
    assert patterns
    for pattern in patterns:
        assert PORTABLE.fullmatch(pattern), pattern


def test_every_command_is_in_it() -> None:
    assert set(Command.__subclasses__()) == set(COMMANDS)
    assert MODEL["properties"]["type"]["enum"] == [command.__name__ for command in COMMANDS]
    assert MODEL["required"] == ["type"]
    assert json.loads(COMMAND_MODEL_FILE.read_text("utf-8")) == MODEL


def command_with(name: str, kind: Any) -> type[msgspec.Struct]:
    """A class of one field beside its tag."""
    return msgspec.defstruct(name, [("field", kind)], tag_field="type", tag=True)


def merged(one: Any, other: Any) -> Any:
    """The field of that name, when two commands have it."""
    return command_model([command_with("One", one), command_with("Other", other)])["properties"]["field"]


def integer(low: int | None, high: int | None) -> Any:
    return Annotated[int, msgspec.Meta(ge=low, le=high)]


def test_a_field_in_common_is_as_wide_as_the_widest() -> None:
    assert merged(integer(1, 5), integer(0, 3)) == {"type": "integer", "minimum": 0, "maximum": 5}
    assert merged(integer(1, 5), integer(None, 7)) == {"type": "integer", "maximum": 7}
    assert merged(integer(None, None), integer(1, 5)) == {"type": "integer"}
    texts = [Annotated[str, msgspec.Meta(max_length=length)] for length in (3, 9)]
    assert merged(*texts) == {"type": "string", "maxLength": 9}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (int, str),
        (str, Annotated[str, msgspec.Meta(pattern="^a$")]),
        (Annotated[str, msgspec.Meta(pattern="^a$")], Annotated[str, msgspec.Meta(pattern="^b$")]),
    ],
    ids=["types", "one pattern", "two patterns"],
)
def test_fields_that_cannot_be_merged_are_refused(one: Any, other: Any) -> None:
    with pytest.raises(CommandModelError, match="field has the"):
        merged(one, other)


def test_a_field_that_one_command_needs_is_not_required() -> None:
    commands = [command_with("One", int), msgspec.defstruct("Other", [], tag_field="type", tag=True)]
    assert command_model(commands)["required"] == ["type"]
