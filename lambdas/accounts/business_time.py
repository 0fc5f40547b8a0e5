"""The business time of a command: when it took effect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lambdas.accounts.errors import InvalidFieldError

MAX_FUTURE = timedelta(minutes=5)


def in_utc(occurred_at: datetime) -> datetime:
    """The same moment in UTC. Raises InvalidFieldError when UTC cannot write it."""
    try:
        return occurred_at.astimezone(UTC)
    except OverflowError:
        raise InvalidFieldError("occurred_at", "is outside the years 1 to 9999 in UTC") from None


def business_time(occurred_at: datetime, now: datetime) -> datetime:
    """A command's `occurred_at` in UTC.

    Raises InvalidFieldError for a time more than 5 minutes after `now`, or one that UTC cannot write.
    """
    moment = in_utc(occurred_at)
    if moment > now + MAX_FUTURE:
        raise InvalidFieldError("occurred_at", "is more than 5 minutes in the future")
    return moment
