"""Moments as callers write them: cut to milliseconds, in UTC, and refused with a sentence when they are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.accounts.moments import EXAMPLE, FIRST, InvalidMomentError, parse_moment

_another_reader = msgspec.json.Decoder(Annotated[datetime, msgspec.Meta(tz=True)]).decode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000"),
        ("2026-03-01t09:30:00z", "2026-03-01T09:30:00.000"),
        ("2026-03-01 09:30:00Z", "2026-03-01T09:30:00.000"),
        ("2026-03-01T09:30:00.5Z", "2026-03-01T09:30:00.500"),
        ("2026-03-01T09:30:00.123999999999999999999Z", "2026-03-01T09:30:00.123"),
        ("2026-03-01T23:59:59.9999999Z", "2026-03-01T23:59:59.999"),
        ("2026-03-01T23:59:59.999612Z", "2026-03-01T23:59:59.999"),
        ("2026-03-01T09:30:00+05:45", "2026-03-01T03:45:00.000"),
        ("2026-03-01T09:30:00-00:00", "2026-03-01T09:30:00.000"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999"),
        ("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.999"),
        ("2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.999"),
    ],
)
def test_a_moment_is_cut_and_keeps_its_day(text: str, expected: str) -> None:
    moment = parse_moment(text)
    assert moment.tzinfo is UTC
    assert moment.replace(tzinfo=None).isoformat(timespec="microseconds") == expected + "000"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", EXAMPLE),
        ("", EXAMPLE),
        ("2026-03-01", EXAMPLE),
        ("2026-03-01T09:30:00", EXAMPLE),
        ("2026-03-01T09:30Z", EXAMPLE),
        ("2026-03-01T09:30:00.Z", EXAMPLE),
        ("2026-03-01T09:30:00+0100", EXAMPLE),
        ("2026-03-01T09:30:00+01", EXAMPLE),
        ("2026-03-01T09:30:00Z\n", EXAMPLE),
        ("２０２６-03-01T09:30:00Z", EXAMPLE),
        ("2026-02-30T00:00:00Z", "does not exist"),
        ("2026-03-01T24:00:00Z", "does not exist"),
        ("2026-03-01T09:30:61Z", "does not exist"),
        ("2026-03-01T09:30:00+24:00", "does not exist"),
        ("2026-03-01T09:30:00+01:60", "does not exist"),
        ("0000-01-01T00:00:00Z", "does not exist"),
        ("9999-12-31T23:59:59-12:00", "does not exist"),
        ("0001-01-01T00:00:00+14:00", "does not exist"),
        ("2026-03-01T09:30:60Z", "no leap second"),
        ("0001-01-01T00:00:00Z", "1900"),
        ("1899-12-31T23:59:59.999Z", "1900"),
        ("1900-01-01T00:00:00+00:01", "1900"),
    ],
)
def test_what_is_no_moment_is_refused_with_what_would_be_right(text: str, reason: str) -> None:
    with pytest.raises(InvalidMomentError, match=reason):
        parse_moment(text)


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1901, 1, 1), datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001 - zones come from `timezones`


@given(moment=moments)
def test_another_reader_finds_the_same_millisecond(moment: datetime) -> None:
    """msgspec reads up to six digits exactly; cutting its answer must give ours."""
    text = moment.isoformat()
    exact = _another_reader(msgspec.json.encode(text))
    assert parse_moment(text) == exact.replace(microsecond=exact.microsecond // 1000 * 1000)
    assert parse_moment(text) >= FIRST
