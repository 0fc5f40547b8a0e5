"""Reads a moment as callers write it: RFC 3339 with an offset, any number of fraction digits.

What is finer than a millisecond is cut, never rounded: a moment keeps its second, its day and its order. A leap second
(23:59:60 UTC) counts as the last millisecond of its minute, so that it keeps its day too.
Source: RFC 3339, section 5.6 ("Internet Date/Time Format"), 5.7 ("Restrictions") and Appendix D ("Leap Seconds").
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""Nothing booked here happened earlier; 0001-01-01T00:00:00Z is some program's unset field."""

EXAMPLE: Final = "2026-03-01T09:30:00.000Z"

PATTERN: Final = (
    "([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    "(?:[.]([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
"""The form of a moment, for Python and Java alike."""

_FORM: Final = re.compile(PATTERN)
_LEAP_SECOND: Final = 60
_LAST_MILLISECOND: Final = 999_000


class InvalidMomentError(ValueError):
    """A text is no acceptable moment. The message continues a sentence that begins with the name of its field."""


def parse_moment(text: str) -> datetime:
    """The moment in UTC, whole milliseconds. Raises InvalidMomentError."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise InvalidMomentError(f"is not a date and time with an offset (RFC 3339), such as {EXAMPLE}")
    second = int(form[6])
    try:
        local = datetime(
            int(form[1]), int(form[2]), int(form[3]), int(form[4]), int(form[5]),
            second - (second == _LEAP_SECOND), _microseconds(form[7], second), _offset(form[8], form[9], form[10]),
        )  # fmt: skip
        moment = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidMomentError("names a day or a time that does not exist") from None
    if second == _LEAP_SECOND and (moment.hour, moment.minute) != (23, 59):
        raise InvalidMomentError("has a second 60 that is no leap second: those come at 23:59 UTC")
    if moment < FIRST:
        raise InvalidMomentError("is before the year 1900 in UTC")
    return moment


def _microseconds(digits: str | None, second: int) -> int:
    if second == _LEAP_SECOND:
        return _LAST_MILLISECOND
    return int(digits[:3].ljust(3, "0")) * 1000 if digits else 0


def _offset(sign: str | None, hours: str, minutes: str) -> timezone:
    """Raises ValueError for more than 23 hours or 59 minutes."""
    if sign is None:
        return UTC
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError("an offset ends at 23:59")
    distance = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(distance if sign == "+" else -distance)
