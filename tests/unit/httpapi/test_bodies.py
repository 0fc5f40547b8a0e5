"""What the codec raises, whatever it is, becomes a refused request."""

from __future__ import annotations

import pytest

from lambdas.accounts.commands import CreditAccount, WithdrawFromAccount
from lambdas.accounts.errors import InvalidFieldError
from lambdas.httpapi.bodies import decode_body, read_body
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.service.command_json import decode_command

UNION = (CreditAccount, WithdrawFromAccount)


@pytest.mark.parametrize("nesting", [b"[", b'{"a":'], ids=["arrays", "objects"])
def test_nesting_before_the_tag_of_a_union(nesting: bytes) -> None:
    with pytest.raises(InvalidFieldError, match="nested too deeply") as refused:
        decode_command(b'{"x":' + nesting * 20_000, *UNION)
    assert refused.value.field == "body"


def test_half_a_surrogate_pair_in_the_event_itself() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_body({"body": '{"amount":1,"reference":"\ud83d"}', "isBase64Encoded": False})
    assert refused.value.field == "body"


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}, {"body": None, "isBase64Encoded": True}])
def test_no_body(event: dict[str, object]) -> None:
    assert read_body(event) == b""


def test_a_field_that_a_union_member_misses_is_named() -> None:
    with pytest.raises(InvalidFieldError) as refused:
        decode_command(b'{"type":"CreditAccount"}', *UNION)
    assert refused.value.field == "amount"


def test_a_key_made_to_look_like_a_place_is_named_itself() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        decode_body(b'{"amount":1,"x` - at `$.amount`":1}', CreditAccount)
    assert refused.value.field == r"x\u0060\u0020-\u0020at\u0020\u0060\u0024.amount\u0060"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ('"amount":1,"reference":{"name":"Jane"},"reference":null', "reference"),
        ('"amount":1,"reference":"","reference":null', "reference"),
        ('"amount":1,"reference":null,"reference":""', "reference"),
        ('"amount":1,"reference":"r","reference":null', "reference"),
        ('"amount":"x","amount":1,"reference":null', "amount"),
        ('"amount":{"amount":1},"amount":1,"currency":null', "amount"),
        ('"amount":1,"currency":"EUR","currency":null', "currency"),
        ('"amount":1.0,"reference":null', "amount"),
        ('"amount":' + "9" * 5_000 + ',"reference":null', "amount"),
        ('"amount":1,"note":null,"reference":null', "note"),
        ('"amount":1,"type":"X","type":"CreditAccount","reference":null', "type"),
        ('"amount":null,"amount":1', "amount"),
        (r'"amount":1,"currency":null,"reference":"\ud83d"', "currency"),
    ],
)
@pytest.mark.parametrize("commands", [UNION, UNION[:1]], ids=["several", "one"])
def test_a_null_hides_no_other_value(members: str, field: str, commands: tuple[type[CreditAccount], ...]) -> None:
    tag = '"type":"CreditAccount",' if '"type"' not in members else ""
    with pytest.raises(InvalidFieldError) as refused:
        decode_command(f"{{{tag}{members}}}".encode(), *commands)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "members",
    [
        '"reference":null,"amount":1',
        '"reference":null,"reference":null,"amount":2,"amount":1',
        '"currency":null,"to_account_id":null,"amount":1',
    ],
)
@pytest.mark.parametrize("commands", [UNION, UNION[:1]], ids=["several", "one"])
def test_null_is_absent_wherever_the_gateway_takes_it_so(
    members: str, commands: tuple[type[CreditAccount], ...]
) -> None:
    assert decode_command(f'{{"type":"CreditAccount",{members}}}'.encode(), *commands) == CreditAccount(amount=1)


def test_the_tag_is_read_as_json() -> None:
    text = rb'{"type":"Credit\u0041ccount","amount":1,"reference":null}'
    assert decode_command(text, *UNION) == CreditAccount(amount=1)
    with pytest.raises(InvalidFieldError, match="an integer") as refused:
        decode_command(rb'{"type":"Credit\u0041ccount","amount":"x"}', *UNION)
    assert refused.value.field == "amount"
