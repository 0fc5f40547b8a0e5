"""Minor units as decimal text, without a float in between."""

from __future__ import annotations

from lambdas.accounts.money import MINOR_UNITS


def decimal_places(currency: str) -> int | None:
    """Decimal places of a currency; None for a code that ISO 4217 has retired, or never had."""
    return MINOR_UNITS.get(currency)


def plain_amount(minor_units: int, currency: str) -> str:
    """For programs: 1234567 of EUR is `12345.67`. An unknown currency gives the minor units."""
    return _decimal(minor_units, currency, grouping="")


def readable_amount(minor_units: int, currency: str) -> str:
    """For people: 1234567 of EUR is `12,345.67`. An unknown currency gives the minor units."""
    return _decimal(minor_units, currency, grouping=",")


def _decimal(minor_units: int, currency: str, *, grouping: str) -> str:
    places = decimal_places(currency) or 0
    whole, fraction = divmod(abs(minor_units), 10**places)
    sign = "-" if minor_units < 0 else ""
    return f"{sign}{whole:{grouping}}" + (f".{fraction:0{places}}" if places else "")


def short_amount(minor_units: int, currency: str) -> str:
    """For a short label: exact below a million, above it cut to two decimals: 1234567890 of EUR is `12.34M`."""
    whole = abs(minor_units) // 10 ** (decimal_places(currency) or 0)
    for power, letter in ((15, "Q"), (12, "T"), (9, "B"), (6, "M")):
        if whole >= 10**power:
            hundredths = whole // 10 ** (power - 2)
            return f"{'-' if minor_units < 0 else ''}{hundredths // 100:,}.{hundredths % 100:02}{letter}"
    return readable_amount(minor_units, currency)
