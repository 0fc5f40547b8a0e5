"""The business time of a command: when it took effect."""

from __future__ import annotations

from datetime import datetime, timedelta

from lambdas.accounts.errors import InvalidFieldError
from lambdas.accounts.moments import InvalidMomentError, parse_moment

MAX_FUTURE = timedelta(minutes=5)


def given_time(occurred_at: str) -> datetime:
    """A command's `occurred_at` in UTC, whole milliseconds. Raises InvalidFieldError."""
    try:
        return parse_moment(occurred_at)
    except InvalidMomentError as error:
        raise InvalidFieldError("occurred_at", str(error)) from None


def business_time(occurred_at: str, now: datetime) -> datetime:
    """As `given_time`. Raises InvalidFieldError also for a time more than 5 minutes after `now`."""
    moment = given_time(occurred_at)
    if moment > now + MAX_FUTURE:
        raise InvalidFieldError("occurred_at", "is more than 5 minutes in the future")
    return moment
