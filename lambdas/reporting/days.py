"""Which days to report on, and how late an event may arrive to be counted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from lambdas.reporting.errors import InvalidDayError

LATE_DAYS: Final = 3
"""Events of day D lie in partitions up to D + 3, so a report is written again until those days are over."""

MAX_LATE_DAYS: Final = 3650


class Due(Struct, frozen=True):
    """Days, newest first. A day counts the events that arrived until `late_days` after it."""

    days: tuple[date, ...]
    late_days: int = LATE_DAYS


class _Request(Struct, frozen=True, forbid_unknown_fields=True):
    date: date | UnsetType = UNSET
    late_days: Annotated[int, Meta(ge=LATE_DAYS, le=MAX_LATE_DAYS)] | UnsetType = UNSET


def days_to_report(request: Any, *, today: date) -> Due:
    """The day of `{"date": "YYYY-MM-DD"}`; for `{}` yesterday and the three days before.

    With a date, `{"late_days": N}` also counts events that arrived later than usual. Days are in UTC. Today's report
    is of the day so far. Raises InvalidDayError, also for a day in the future.
    """
    try:
        wanted = msgspec.convert(request, _Request)
    except msgspec.ValidationError as error:
        raise InvalidDayError(f'give {{}} or {{"date": "YYYY-MM-DD"}}: {error}') from error
    late_days = LATE_DAYS if wanted.late_days is UNSET else wanted.late_days
    if wanted.date is not UNSET:
        if wanted.date > today:
            raise InvalidDayError(f"{wanted.date} is in the future: it is {today} in UTC.")
        return Due((wanted.date,), late_days)
    if wanted.late_days is not UNSET:
        raise InvalidDayError("late_days goes with the date of one day.")
    return Due(tuple(today - timedelta(days=age) for age in range(1, LATE_DAYS + 2)))
