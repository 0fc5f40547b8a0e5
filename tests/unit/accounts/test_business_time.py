"""Business time: never more than five minutes ahead, always in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lambdas.accounts.business_time import business_time
from lambdas.accounts.errors import InvalidFieldError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at_offset(text: str, hours: int) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), NOW - timedelta(days=400), NOW])
def test_may_lie_in_the_past(moment: datetime) -> None:
    assert business_time(moment, NOW) == moment


def test_is_written_in_utc() -> None:
    given = at_offset("2026-03-01T10:30:00", 2)
    result = business_time(given, NOW)
    assert result == given
    assert result.isoformat() == "2026-03-01T08:30:00+00:00"


def test_may_be_five_minutes_ahead() -> None:
    assert business_time(NOW + timedelta(minutes=5), NOW) == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "moment",
    [
        NOW + timedelta(minutes=5, microseconds=1),
        at_offset("2026-03-01T11:06:00", -1),
        at_offset("0001-01-01T00:00:00", 14),
        at_offset("9999-12-31T23:59:59", -12),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_refuses_the_future_and_what_utc_cannot_write(moment: datetime) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        business_time(moment, NOW)
    assert refused.value.field == "occurred_at"
