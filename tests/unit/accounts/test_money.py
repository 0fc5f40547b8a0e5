"""Currencies and bounds."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from lambdas.accounts.commands import CreditAccount, OpenAccount
from lambdas.accounts.money import MAX_AMOUNT, MAX_BALANCE, MINOR_UNITS, NO_CURRENCY, Currency

EXACT_IN_JSON = 2**53 - 1


def test_every_currency_has_its_minor_units() -> None:
    assert set(MINOR_UNITS) == set(get_args(Currency))
    assert [MINOR_UNITS[code] for code in ("EUR", "JPY", "KWD", "CLF", "VND", "MGA")] == [2, 0, 3, 4, 0, 2]


@pytest.mark.parametrize("code", ["BGN", "HRK", "DEM", "ANG", "SLL", "ZWL", "XAU", NO_CURRENCY, "eur", "EURO", ""])
def test_withdrawn_and_unitless_codes_are_refused(code: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"currency": code}, OpenAccount)


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1, 10**30, 1.0, 1.5, "1", True, None])
def test_amounts_out_of_bounds_are_refused(amount: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"amount": amount}), type=CreditAccount)


@pytest.mark.parametrize("amount", [1, MAX_AMOUNT])
def test_amounts_at_the_bounds_are_accepted(amount: int) -> None:
    assert msgspec.convert({"amount": amount}, CreditAccount).amount == amount


@pytest.mark.parametrize("limit", [-1, MAX_AMOUNT + 1])
def test_overdraft_limits_out_of_bounds_are_refused(limit: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"currency": "EUR", "overdraft_limit": limit}, OpenAccount)


def test_every_balance_is_exact_in_json() -> None:
    assert MAX_BALANCE + MAX_AMOUNT > EXACT_IN_JSON > MAX_BALANCE


@pytest.mark.parametrize("reference", ["", "x" * 65, "line\n", "\n", "tab\t", "é", "\x7f", "\x00", "\u2028"], ids=repr)
def test_references_are_short_printable_ascii(reference: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"amount": 1, "reference": reference}, CreditAccount)


@pytest.mark.parametrize("reference", [" ", "~", "x" * 64, "invoice 4711 / March"])
def test_references_in_bounds_are_accepted(reference: str) -> None:
    assert msgspec.convert({"amount": 1, "reference": reference}, CreditAccount).reference == reference
