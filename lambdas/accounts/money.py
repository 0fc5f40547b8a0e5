"""Money: an integer of minor units plus an ISO 4217 currency; never a float.

Source of the codes and their minor units: ISO 4217, list one. Codes without a minor unit (metals, SDR) cannot be the
currency of an account, but for the one that ISO 4217 reserves for testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta

MAX_AMOUNT: Final = 10**15 - 1
MAX_BALANCE: Final = 9 * 10**15
"""Below 2^53: every balance is an exact integer in any JSON reader."""

Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Minor units of the account's currency.")]
OverdraftLimit = Annotated[
    int, Meta(ge=0, le=MAX_AMOUNT, description="How far below zero the balance may go, in minor units.")
]
Balance = Annotated[int, Meta(ge=-MAX_BALANCE, le=MAX_BALANCE, description="Minor units of the account's currency.")]

Currency = Literal[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF",
    "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF",
    "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD",
    "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD",
    "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES",
    "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD",
    "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR",
    "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN",
    "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD",
    "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED", "VES", "VND", "VUV",
    "WST", "XAD", "XAF", "XCD", "XCG", "XOF", "XPF", "XTS", "YER", "ZAR", "ZMW", "ZWG",
]  # fmt: skip
"""Codes that a command may use. ISO 4217 retires codes, so events and states, kept for ever, use CurrencyCode."""

TEST_CURRENCY: Final = "XTS"
"""ISO 4217's own code for testing, written with two decimals here. Only test callers open accounts in it
(`lambdas.service.test_currency`), and reports leave them out (`is_test` in analytics/views/delivered_events.sql)."""

CurrencyCode = Annotated[
    str,
    Meta(min_length=3, max_length=3, description="ISO 4217 code.", extra_json_schema={"pattern": "^[A-Z]{3}$"}),
]

NO_CURRENCY: Final = "XXX"
"""ISO 4217's own code for "no currency is involved"."""

_NO_DECIMALS = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
    "XAF", "XOF", "XPF",
]  # fmt: skip
_THREE_DECIMALS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
_FOUR_DECIMALS = ["CLF", "UYW"]

MINOR_UNITS: Final[Mapping[str, int]] = (
    dict.fromkeys(get_args(Currency), 2)
    | dict.fromkeys(_NO_DECIMALS, 0)
    | dict.fromkeys(_THREE_DECIMALS, 3)
    | dict.fromkeys(_FOUR_DECIMALS, 4)
)
"""Decimal places of each currency: 12345 minor units of EUR (2) are 123.45 EUR."""
