"""Fields of a command at the gateway: the template takes what the classes take, and names the first that is wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from lambdas.accounts.business_time import given_time
from lambdas.accounts.commands import COMMANDS, AnyCommand, CreditAccount, Transfer
from lambdas.accounts.errors import InvalidFieldError
from lambdas.contracts.examples import command_example
from lambdas.service.command_json import decode_command
from local.gateway.answers import Answer
from local.gateway.errors import BadRequestBodyError
from local.gateway.integration import Integration
from stacks.command_templates.fields import FieldNotCheckableError, field_checks, field_refusals
from tests.support.command_gateway import ACCOUNT, CommandGateway, problem
from tests.support.runs import runs

SCHEMAS = msgspec.json.schema_components(COMMANDS)[1]
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-9))])
MOMENTS = st.datetimes(min_value=datetime(1901, 1, 1), timezones=ZONES).map(datetime.isoformat)  # noqa: DTZ001 - zones follow
ROW = {"account_id": {"S": ACCOUNT}, "command_id": {"S": "c-1"}, "status": {"S": "PENDING"}}


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
    ["", "\n", "x" * 64, "x" * 65, "x\n", 0, 1, 1.0, -1, 10**15 - 1, 10**15, 2**70, None, True, False, [], {}, ["EUR"]]
)
OTHERS = st.one_of([field for fields in VALUES.values() for field in fields.values()])
ANYTHING = st.text(max_size=70) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ODD | OTHERS


@st.composite
def commands(draw: st.DrawFn) -> dict[str, Any]:
    """A command as a client writes it, optional fields there or not, or null."""
    command = draw(st.sampled_from(COMMANDS)).__name__
    required = SCHEMAS[command]["required"]
    fields = [name for name in VALUES[command] if name in required or draw(st.booleans())]
    made = {name: draw(VALUES[command][name]) for name in draw(st.permutations(fields))}
    return {name: None if name not in required and draw(st.booleans()) else value for name, value in made.items()}


@st.composite
def nearly_commands(draw: st.DrawFn) -> dict[str, Any]:
    """A command with one field spoiled, by a value of any kind or of another field, or taken away."""
    command = draw(commands())
    name = draw(st.sampled_from([*VALUES["Transfer"], "currency", "overdraft_limit"]))
    command[name] = draw(ANYTHING)
    if draw(st.booleans()):
        del command[draw(st.sampled_from(sorted(command)))]
    return command


def dynamodb(_: Integration, payload: bytes) -> tuple[int, bytes]:
    """Accepts what stores a command; refuses, as DynamoDB does, names that no expression uses."""
    call = json.loads(payload)
    used = call["UpdateExpression"] + call["ConditionExpression"]
    unused = [name for name in call["ExpressionAttributeNames"] if name not in used]
    if not unused:
        return 200, json.dumps({"Attributes": ROW}).encode()
    message = f"Value provided in ExpressionAttributeNames unused in expressions: keys: {{{', '.join(unused)}}}"
    return 400, json.dumps({"__type": "com.amazon.coral.validate#ValidationException", "message": message}).encode()


GATEWAY = CommandGateway("commands", send=dynamodb)


def send(body: object) -> Answer:
    return GATEWAY.post(json.dumps(body).encode(), [("Idempotency-Key", "c-1")])


def wrong_field(body: object) -> str | None:
    """The field that the processor would name, None for a command."""
    try:
        command = decode_command(json.dumps(body).encode(), *COMMANDS)
        if isinstance(command.occurred_at, str):
            given_time(command.occurred_at)
    except InvalidFieldError as error:
        return error.field
    return None


@given(command=commands())
@settings(max_examples=runs(check=60, test=300, soak=5_000), deadline=None)
def test_every_command_is_taken(command: dict[str, Any]) -> None:
    assert wrong_field(command) is None
    assert send(command).status == 202, command


@given(command=nearly_commands())
@settings(max_examples=runs(check=100, test=500, soak=10_000), deadline=None)
def test_what_the_processor_would_refuse_is_refused_at_the_door_by_name(command: dict[str, Any]) -> None:
    try:
        answer = send(command)
    except BadRequestBodyError:
        assert "" in command.values()
        return
    if answer.status == 202:
        assert wrong_field(command) in {None, "occurred_at"}
    else:
        document = problem(answer)
        assert wrong_field(command) is not None, document
        assert (answer.status, document["type"]) == (400, "urn:daybook:problem:invalid-request")
        assert document["field"] in {*command, *VALUES["Transfer"], *VALUES["OpenAccount"]}


MANY = 'must be "OpenAccount", "CreditAccount", "WithdrawFromAccount", "CloseAccount" or "Transfer"'


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        ({"type": "CreditAcount"}, f"type: {MANY}"),
        ({"type": None}, f"type: {MANY}"),
        ({"type": ["CreditAccount"]}, f"type: {MANY}"),
        ({"amount": None}, "amount: must be an integer from 1 to 999999999999999, without fraction and exponent"),
        ({"amount": "1"}, "amount: must be an integer from 1 to 999999999999999, without fraction and exponent"),
        ({"amount": 1.0}, "amount: must be an integer from 1 to 999999999999999, without fraction and exponent"),
        ({"amount": 0}, "amount: must be an integer from 1 to 999999999999999, without fraction and exponent"),
        ({"amount": 10**15}, "amount: must be an integer from 1 to 999999999999999, without fraction and exponent"),
        ({"amount": True}, "amount: must be an integer from 1 to 999999999999999, without fraction and exponent"),
        ({"reference": "é"}, "reference: must be a text of 1 to 64 printable ASCII characters"),
        ({"reference": "x" * 65}, "reference: must be a text of 1 to 64 printable ASCII characters"),
        ({"reference": 7}, "reference: must be a text of 1 to 64 printable ASCII characters"),
        ({"occurred_at": "2026-03-01T09:30:00"},
         "occurred_at: must be a date and time with an offset (RFC 3339), such as 2026-03-01T09:30:00.000Z"),
        ({"currency": "EUR"}, "currency: must be left out: a command of this type has no such field"),
        ({"to_account_id": ACCOUNT}, "to_account_id: must be left out: a command of this type has no such field"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_names_the_field_and_what_would_be_right(wrong: dict[str, Any], detail: str) -> None:
    document = problem(send(command_example(CreditAccount) | wrong))

    assert (document["status"], document["field"], document["detail"]) == (400, next(iter(wrong)), detail)


@pytest.mark.parametrize("name", ["type", "from_account_id", "to_account_id", "amount"])
def test_a_field_that_is_missing_is_named(name: str) -> None:
    command = command_example(Transfer)
    del command[name]

    assert problem(send(command))["field"] == name


@pytest.mark.parametrize("wrong", [{"more": 1}, {"reference": ""}], ids=str)
def test_what_the_model_refuses_never_reaches_the_store(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequestBodyError):
        send(command_example(CreditAccount) | wrong)


def test_no_refusal_is_the_beginning_of_another() -> None:
    names = [f"#{name}" for name in field_refusals(lambda *_: "")]
    assert len(names) == len(set(names)) > 2
    assert not any(other.startswith(one) for one, other in permutations(names, 2))


@pytest.mark.parametrize("kind", [str, float, int, msgspec.Raw, Any, "other"], ids=str)
def test_a_field_that_the_template_cannot_check_fails_the_synthesis(kind: Any) -> None:
    if kind == "other":
        other = msgspec.defstruct("Other", [("amount", AnyCommand)])
        with pytest.raises(FieldNotCheckableError):
            field_checks((CreditAccount, other))
        return
    command = msgspec.defstruct("Command", [("field", kind)], tag_field="type", tag=True)
    with pytest.raises(FieldNotCheckableError, match=r"Command\.field"):
        field_checks((command,))
