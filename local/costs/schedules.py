"""How often a schedule runs in a month."""

from __future__ import annotations

import re
from fractions import Fraction

from local.machine.errors import UnpricedError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_HOURS = {"minute": Fraction(1, 60), "hour": Fraction(1), "day": Fraction(24)}


def runs(expression: str, hours: int) -> int:
    """Runs in so many hours, rounded. Raises UnpricedError for what is neither a rate nor a daily time."""
    if found := _RATE.fullmatch(expression):
        return round(hours / (int(found[1]) * _HOURS[found[2]]))
    if found := _CRON.fullmatch(expression):
        minute, hour, *days = found.groups()
        if days == ["*", "*", "?", "*"] and (minute + hour).isdigit():
            return round(Fraction(hours, 24))
    raise UnpricedError(f"How often is {expression}? local/costs/schedules.py reads rates and daily times.")
