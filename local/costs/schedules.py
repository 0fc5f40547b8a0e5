"""How often a schedule runs in a month."""

from __future__ import annotations

import calendar
import re
from fractions import Fraction

from local.machine.errors import UnpricedError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_EVERY = re.compile(r"1/([1-9]\d*)")
_COMMON_YEAR = 2026
_DAYS = 365
_HOURS = {"minute": Fraction(1, 60), "hour": Fraction(1), "day": Fraction(24)}


def runs(expression: str, hours: int) -> int:
    """Runs in so many hours, rounded. Raises UnpricedError for what is neither a rate nor a time of every, or of every
    Nth, day of the month.
    """
    if found := _RATE.fullmatch(expression):
        return round(hours / (int(found[1]) * _HOURS[found[2]]))
    if found := _CRON.fullmatch(expression):
        minute, hour, *days = found.groups()
        if days == ["*", "*", "?", "*"] and (minute + hour).isdigit():
            return round(Fraction(hours, 24))
        if days[1:] == ["*", "?", "*"] and (minute + hour).isdigit() and (step := _EVERY.fullmatch(days[0])):
            return round(Fraction(hours, 24 * _DAYS) * _times_a_year(int(step[1])))
    raise UnpricedError(f"How often is {expression}? local/costs/schedules.py reads rates and times of the day.")


def _times_a_year(step: int) -> int:
    """Days of a common year that are the first of their month, or so many days after such a one in the same month."""
    return sum(len(range(1, calendar.monthrange(_COMMON_YEAR, month)[1] + 1, step)) for month in range(1, 13))
