"""UTC timestamps as RFC 3339 text of fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The system clock, timezone-aware."""
    return datetime.now(UTC)


def format_timestamp(moment: datetime) -> str:
    """Format an aware datetime as `YYYY-MM-DDTHH:MM:SS.ffffffZ`.

    Raises ValueError for a naive datetime, OverflowError when the UTC time is outside the years 1 to 9999.
    """
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_timestamp(text: str) -> datetime:
    """The reverse of `format_timestamp`. Raises ValueError."""
    return datetime.fromisoformat(text)
