"""What the rows of the queries become, and amounts as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.accounts.money import MINOR_UNITS
from lambdas.reporting.amounts import plain_amount, readable_amount, short_amount
from lambdas.reporting.errors import UnexpectedRowsError
from lambdas.reporting.figures import daily_report
from tests.unit.reporting.days import DAY, MOVERS, TOTALS, counted, movers_of, report, total


def test_lines_and_movers_are_in_order_whatever_the_rows_order() -> None:
    found = report(reversed(TOTALS), MOVERS)
    assert [line.currency for line in found.lines] == ["BHD", "EUR", "JPY"]
    assert [line.currency for line in found.currencies] == ["BHD", "EUR", "JPY"]
    assert [each.place for each in movers_of(found, "EUR")] == [1, 2]
    assert found == report()


def test_counts_have_totals_and_closings_are_among_them() -> None:
    found = report()
    assert (found.total("events"), found.total("opened"), found.total("closed")) == (15, 3, 3)


def test_missing_events_are_those_of_the_day_and_have_a_line_of_no_currency() -> None:
    assert report().missing == 0, "those of the day before are not counted"
    assert report(missing=2).missing == 2
    assert report(missing=2).currencies == report().lines
    alone = report([total("EUR", events=2), total("ZAR", events=1)], [], missing=1)
    assert [(line.currency, line.events) for line in alone.lines] == [("EUR", 2), ("XXX", 0), ("ZAR", 1)]
    assert [line.currency for line in alone.currencies] == ["EUR", "ZAR"]
    assert daily_report(DAY, [], [], []).missing == 0
    with pytest.raises(UnexpectedRowsError, match="reconciliation"):
        daily_report(DAY, [], [], [counted(1) | {"missing": None}])


@pytest.mark.parametrize(
    "change",
    [{"credited": None}, {"credited": "1.5"}, {"currency": None}, {"currency": "EURO"}, {"day": "2026-11-20"}],
)
def test_other_rows_are_refused(change: dict[str, str | None]) -> None:
    with pytest.raises(UnexpectedRowsError, match="daily_report"):
        report([total("EUR") | change], [])


def test_a_missing_column_and_a_currency_twice_are_refused() -> None:
    short = total("EUR")
    del short["net"]
    for rows in ([short], [total("EUR"), total("EUR")]):
        with pytest.raises(UnexpectedRowsError):
            report(rows, [])


@pytest.mark.parametrize(
    ("minor_units", "currency", "plain", "readable", "short"),
    [
        (123456789, "EUR", "1234567.89", "1,234,567.89", "1.23M"),
        (99999999, "EUR", "999999.99", "999,999.99", "999,999.99"),
        (5, "EUR", "0.05", "0.05", "0.05"),
        (-5, "EUR", "-0.05", "-0.05", "-0.05"),
        (-250, "EUR", "-2.50", "-2.50", "-2.50"),
        (0, "EUR", "0.00", "0.00", "0.00"),
        (98765, "JPY", "98765", "98,765", "98,765"),
        (1234, "BHD", "1.234", "1.234", "1.234"),
        (10001, "CLF", "1.0001", "1.0001", "1.0001"),
        (98765, "ZZZ", "98765", "98,765", "98,765"),
        (-(10**18) * 9, "EUR", "-90000000000000000.00", "-90,000,000,000,000,000.00", "-90.00Q"),
        (10**15, "USD", "10000000000000.00", "10,000,000,000,000.00", "10.00T"),
    ],
)
def test_amounts(minor_units: int, currency: str, plain: str, readable: str, short: str) -> None:
    assert plain_amount(minor_units, currency) == plain
    assert readable_amount(minor_units, currency) == readable
    assert short_amount(minor_units, currency) == short


@given(st.integers(-(2**63), 2**63), st.sampled_from(sorted(MINOR_UNITS)))
def test_no_unit_is_lost(minor_units: int, currency: str) -> None:
    text = plain_amount(minor_units, currency)
    assert Decimal(text) == Decimal(minor_units).scaleb(-MINOR_UNITS[currency])
    assert len(text.partition(".")[2]) == MINOR_UNITS[currency]
