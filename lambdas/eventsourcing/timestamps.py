"""UTC timestamps as RFC 3339 text of fixed width, so that text order is time order.

One resolution everywhere: milliseconds, which Athena's and Firehose's timestamps have. Finer digits are cut, never
rounded, so that a moment keeps its day, and a moment before another one never stands after it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

MAX_CLOCK_ERROR = timedelta(seconds=5)
"""How far a process's clock may be off before somebody is told; see `clock_check`."""

_encode = msgspec.json.Encoder().encode


def utc_now() -> datetime:
    """The system clock, timezone-aware."""
    return datetime.now(UTC)


def format_timestamp(moment: datetime) -> str:
    """Format an aware datetime as `YYYY-MM-DDTHH:MM:SS.fffZ`; what is finer than a millisecond is cut.

    Raises ValueError for a naive datetime, OverflowError when the UTC time is outside the years 1 to 9999.
    """
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a timestamp needs a time zone")
        moment = moment.astimezone(UTC)
    text = _encode(moment)[1:-1].decode()  # RFC 3339 with Z, several times quicker than isoformat
    return f"{text[:23]}Z" if moment.microsecond else f"{text[:-1]}.000Z"


def parse_timestamp(text: str) -> datetime:
    """The reverse of `format_timestamp`. Raises ValueError."""
    return datetime.fromisoformat(text)
