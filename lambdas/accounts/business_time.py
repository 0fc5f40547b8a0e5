"""When a command counts as having happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import UnsetType

from lambdas.accounts.errors import InvalidCommandError

MAX_FUTURE = timedelta(minutes=5)


def business_time(occurred_at: datetime | UnsetType, now: datetime) -> datetime:
    """The command's `occurred_at` in UTC, or `now` (UTC) when it gave none.

    Raises InvalidCommandError for a time more than 5 minutes after `now`, or one that UTC cannot write.
    """
    if isinstance(occurred_at, UnsetType):
        return now
    try:
        moment = occurred_at.astimezone(UTC)
    except OverflowError:
        raise InvalidCommandError("occurred_at", "is outside the years 1 to 9999 in UTC") from None
    if moment > now + MAX_FUTURE:
        raise InvalidCommandError("occurred_at", "is more than 5 minutes in the future")
    return moment
