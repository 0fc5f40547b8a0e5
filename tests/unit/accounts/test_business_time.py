"""Business time: never more than five minutes ahead, always in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lambdas.accounts.business_time import business_time, given_time
from lambdas.accounts.errors import InvalidFieldError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("moment", [datetime(1900, 1, 1, tzinfo=UTC), NOW - timedelta(days=400), NOW])
def test_may_lie_in_the_past(moment: datetime) -> None:
    assert business_time(moment.isoformat(), NOW) == moment


def test_is_in_utc() -> None:
    assert business_time("2026-03-01T10:30:00+02:00", NOW).isoformat() == "2026-03-01T08:30:00+00:00"


def test_may_be_five_minutes_ahead_and_what_is_cut_does_not_count() -> None:
    for text in ("2026-03-01T12:05:00Z", "2026-03-01T12:05:00.0009Z"):
        assert business_time(text, NOW) == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:05:00.001Z", "2026-03-01T11:06:00-01:00", "9999-12-31T23:59:59.9999999Z"]
)
def test_refuses_the_future(text: str) -> None:
    with pytest.raises(InvalidFieldError, match="future") as refused:
        business_time(text, NOW)
    assert refused.value.field == "occurred_at"


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
def test_refuses_what_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        given_time(text)
    assert refused.value.field == "occurred_at"
