"""Which days to report on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from lambdas.reporting.errors import InvalidDayError

LATE_DAYS: Final = 3
"""Events of day D lie in partitions up to D + 3, so a report is written again until those days are over."""


class _Request(Struct, frozen=True, forbid_unknown_fields=True):
    date: date | UnsetType = UNSET


def days_to_report(request: Any, *, today: date) -> list[date]:
    """The day that `{"date": "YYYY-MM-DD"}` names; for `{}` yesterday and the three days before, the newest first.

    Days are in UTC. A day in the future has no report; today's is of the day so far. Raises InvalidDayError.
    """
    try:
        wanted = msgspec.convert(request, _Request).date
    except msgspec.ValidationError as error:
        raise InvalidDayError(f'give {{}} or {{"date": "YYYY-MM-DD"}}: {error}') from error
    if wanted is UNSET:
        return [today - timedelta(days=age) for age in range(1, LATE_DAYS + 2)]
    if wanted > today:
        raise InvalidDayError(f"{wanted} is in the future: it is {today} in UTC.")
    return [wanted]
