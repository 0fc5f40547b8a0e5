"""What refusals say: what would be right, in a client's words: no regular expression and no type of Python."""

from __future__ import annotations

import json
import re

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from lambdas.accounts.commands import COMMANDS, CreditAccount, OpenAccount
from lambdas.accounts.errors import InvalidFieldError
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.expectations import expectation, fields_of, listed, optional_fields
from lambdas.service.command_json import decode_command
from lambdas.service.names import shown

OF_A_DECODER = re.compile(r"[`$^\\*\[\]{}|]|\(\?|\b(?:int|str|bool|float|dict|list|None|datetime|regex|enum|utf-8)\b")
FIELDS = sorted({name for command in COMMANDS for name in fields_of(command)})
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=70),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["a", "amount"]), st.integers(), max_size=2),
    st.sampled_from(["EUR", "CreditAccount", "OpenAccount", "2026-01-01T00:00:00Z"]),
)
DOCUMENTS = st.dictionaries(st.sampled_from([*FIELDS, "type", "more"]), VALUES, max_size=6)
TEXTS = st.one_of(DOCUMENTS.map(json.dumps), st.text('{}[]":,\\ud8a1.e-truefalsn\n ', max_size=30), st.text(max_size=9))


def reason(content: bytes, *commands: type[msgspec.Struct]) -> tuple[str, str] | None:
    """The field and the reason of the refusal."""
    try:
        decode_command(content, *commands)
    except InvalidFieldError as error:
        return error.field, str(error)
    return None


@given(TEXTS, st.sampled_from([*[(each,) for each in COMMANDS], COMMANDS]))
@settings(deadline=None, max_examples=600)
def test_no_refusal_shows_a_regular_expression_or_a_type_of_python(
    text: str, commands: tuple[type[msgspec.Struct], ...]
) -> None:
    refused = reason(text.encode(errors="surrogatepass"), *commands)
    if refused is not None:
        field, said = refused
        assert OF_A_DECODER.search(said) is None, said
        assert field in {*FIELDS, "type", "more", "body"} or "more" not in text, field


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.__name__)
def test_every_field_of_every_command_has_words(command: type[msgspec.Struct]) -> None:
    for name in fields_of(command):
        words = expectation(command, name)
        assert re.match(r"(an?|the) ", words)
        assert OF_A_DECODER.search(words) is None


def test_a_field_without_words_is_told_to_who_adds_it() -> None:
    command = msgspec.defstruct("Command", [("field", str)])
    with pytest.raises(ContractIncompleteError, match=r"Command\.field has no words"):
        expectation(command, "field")


def test_words_follow_the_bounds() -> None:
    assert expectation(OpenAccount, "overdraft_limit").startswith("an integer from 0 to 999999999999999")
    assert optional_fields(CreditAccount) == {"occurred_at", "reference"}
    assert (listed([], "or"), listed(["a"], "or"), listed(["a", "b", "c"], "or")) == ("", "a", "a, b or c")


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("amount", "amount"),
        ("x" * 100, "x" * 64),
        ("<script>", r"\u003cscript\u003e"),
        ("x" * 62 + "é", "x" * 62),
        ("", '""'),
        ("é\n", r"\u00e9\u000a"),
        ("\u202e" * 50, r"\u202e" * 10),
    ],
)
def test_a_name_from_a_client_is_short_and_escaped(name: str, answered: str) -> None:
    assert shown(name) == answered
    refused = reason(json.dumps({"amount": 1, name: 1}).encode(), CreditAccount)
    assert refused is None or refused[0] == answered


@given(st.text())
@settings(deadline=None)
def test_any_name_is_printable_ascii_of_at_most_64_characters(name: str) -> None:
    assert re.fullmatch(r"(?:[A-Za-z0-9_.:-]|\\u[0-9a-f]{4,6}){1,64}|\"\"", shown(name))
    assert len(shown(name)) <= 64


@pytest.mark.parametrize(
    "text", [b'{"type":"CreditAccount","amount":1,"reference":null}', b'{"amount":1,"occurred_at":null}']
)
def test_null_in_an_optional_field_is_nothing(text: bytes) -> None:
    assert decode_command(text, CreditAccount) == CreditAccount(amount=1)


@pytest.mark.parametrize("text", [b'{"amount":null}', b'{"amount":1,"more":null}'])
def test_null_elsewhere_is_refused(text: bytes) -> None:
    assert reason(text, CreditAccount) is not None


def test_of_several_commands_the_type_says_which_nulls_count() -> None:
    assert reason(b'{"type":"CloseAccount","reference":null}', *COMMANDS) is None
    assert reason(b'{"type":"CreditAcount","reference":null}', *COMMANDS) == (
        "type",
        'must be "OpenAccount", "CreditAccount", "WithdrawFromAccount", "CloseAccount" or "Transfer"',
    )
