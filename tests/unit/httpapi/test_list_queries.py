"""What may be asked of the read models, and which value is named if it may not."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.list_queries import Days, Filters, Several, days, filters, several
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES

ID, OTHER = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
MARCH = {"from": "2026-03-01", "to": "2026-03-31", "currency": "EUR"}


def refused(read: object, query: dict[str, str]) -> str:
    """The field that is named."""
    assert callable(read)
    with pytest.raises(InvalidRequestError) as error:
        read(query)
    return error.value.field


@pytest.mark.parametrize(
    ("query", "groups", "prefix"),
    [
        ({}, ("open", "closed"), ""),
        ({"status": "closed"}, ("closed",), ""),
        ({"currency": "EUR"}, ("open", "closed"), "EUR#"),
        ({"status": "open", "currency": "ZZZ"}, ("open",), "ZZZ#"),  # ISO 4217 retires codes, and accounts stay
    ],
)
def test_filters_lead_to_groups_and_the_beginning_of_places(
    query: dict[str, str], groups: tuple[str, ...], prefix: str
) -> None:
    found = filters(query)
    assert (found.groups, found.order_prefix) == (groups, prefix)


def test_the_groups_are_those_of_the_projection() -> None:
    assert Filters().groups == ACCOUNT_SUMMARIES.groups


@pytest.mark.parametrize("status", ["", "OPEN", "Open", "frozen", "open,closed", "open ", "open#0", "shared"])
def test_another_status_is_refused(status: str) -> None:
    assert refused(filters, {"status": status}) == "status"


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "E1R", "EUR ", "EUR\n", "ÄÖÜ", "EUR,USD", "EUR#"])
def test_what_has_not_the_form_of_a_currency_is_refused(currency: str) -> None:
    assert refused(filters, {"currency": currency}) == "currency"
    assert refused(days, MARCH | {"currency": currency}) == "currency"


def test_ids_keep_their_order() -> None:
    assert several({"ids": f"{OTHER},{ID}"}) == Several((OTHER, ID), 0)
    assert several({"ids": ID, "min_version": "7"}) == Several((ID,), 7)


def test_up_to_a_hundred_ids() -> None:
    ids = [str(uuid.UUID(int=number, version=4)) for number in range(101)]
    assert len(several({"ids": ",".join(ids[:100])}).account_ids) == 100
    assert refused(several, {"ids": ",".join(ids)}) == "ids"


@pytest.mark.parametrize(
    "ids",
    ["", ",", ID.upper(), f"{ID},", f",{ID}", f"{ID},,{OTHER}", f"{ID}, {OTHER}", f"{ID};{OTHER}", f"{ID}\n", "all",
     "*", f"{ID},{ID}", f"{ID},{OTHER},{ID}", f"{ID},x", f"{{{ID}}}", ID.replace("-", ""), f"1#{ID}"],
    ids=repr,
)  # fmt: skip
def test_other_ids_are_refused(ids: str) -> None:
    assert refused(several, {"ids": ids}) == "ids"


@pytest.mark.parametrize("name", ["status", "currency", "limit", "cursor"])
def test_nothing_but_a_version_stands_beside_ids(name: str) -> None:
    """Also if its value would be acceptable; and whether the ids are is not looked at."""
    assert refused(several, {"ids": ID, name: "open"}) == name
    assert refused(several, {name: "", "ids": ""}) == name


@pytest.mark.parametrize("version", ["", "0", "-1", "1.0", "1e1", "x", "٣", "+1", "1" * 17])
def test_another_version_is_refused(version: str) -> None:
    assert refused(several, {"ids": ID, "min_version": version}) == "min_version"


def test_days_with_both_counted() -> None:
    assert days(MARCH) == Days("2026-03-01", "2026-03-31", "EUR")
    assert days(MARCH | {"to": "2026-03-01"}) == Days("2026-03-01", "2026-03-01", "EUR")
    assert days({"from": "2024-01-01", "to": "2024-12-31", "currency": "EUR"}).last == "2024-12-31"  # a leap year


@pytest.mark.parametrize("name", ["from", "to", "currency"])
def test_everything_must_be_given(name: str) -> None:
    assert refused(days, {key: value for key, value in MARCH.items() if key != name}) == name
    assert refused(days, {}) == "from"


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "day",
    ["", "2026-02-29", "2026-02-30", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-1", "20260301", "2026-W10-1",
     "2026-060", "0000-01-01", "10000-01-01", "-2026-01-01", "2026-03-01T00:00:00Z", "2026-03-01 ", "2026-03-01\n",
     "today", "٢٠٢٦-٠٣-٠١", "01.03.2026", "2026/03/01"],
)  # fmt: skip
def test_what_is_no_day_is_refused(name: str, day: str) -> None:
    assert refused(days, MARCH | {name: day}) == name


def test_the_last_day_is_not_before_the_first() -> None:
    assert refused(days, MARCH | {"to": "2026-02-28"}) == "to"


def test_at_most_a_leap_year() -> None:
    first = date(2026, 3, 1)
    for count in (365, 366):
        assert days(MARCH | {"to": str(first + timedelta(days=count - 1))})
    assert refused(days, MARCH | {"to": str(first + timedelta(days=366))}) == "to"
    assert refused(days, {"from": "0001-01-01", "to": "9999-12-31", "currency": "EUR"}) == "to"
