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
