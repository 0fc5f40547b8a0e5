"""What CloudWatch makes of an alarm's data points, and metric math of series with gaps, as its user guide says.

Sources: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data" (the rules and both of its
tables) and "Using metric math" (missing values are 0 in sums, and in comparisons of two series).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALARM, OK, INSUFFICIENT_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"


def state(points: Sequence[bool | None], *, periods: int, missing: str) -> str:
    """The state for the points of the evaluation range, oldest first: breaching or not, None for a missing one.

    For alarms on every one of `periods` data points. `missing` is the template's TreatMissingData, but for `ignore`.
    """
    there = [each for each in points if each is not None]
    if len(there) >= periods:
        return ALARM if all(there[-periods:]) else OK
    if False in there:
        return OK
    if missing == "missing":
        return ALARM if points[0] else INSUFFICIENT_DATA
    return ALARM if missing == "breaching" else OK


@dataclass(frozen=True, eq=False)
class Series:
    """A time series with gaps, by period."""

    values: Mapping[int, float]

    def __add__(self, other: Series) -> Series:
        """A missing value counts as 0 if the other series has one."""
        return Series({at: self.values.get(at, 0) + other.values.get(at, 0) for at in {*self.values, *other.values}})

    def __gt__(self, other: Series | float) -> Series:
        """1 or 0. Against a number, a missing value stays missing; against a series it counts as 0."""
        if isinstance(other, Series):
            there = {*self.values, *other.values}
            return Series({at: float(self.values.get(at, 0) > other.values.get(at, 0)) for at in there})
        return Series({at: float(value > other) for at, value in self.values.items()})


def evaluated(expression: str, series: Mapping[str, Series], periods: Iterable[int] = ()) -> Series:
    """The series of an expression of `+`, `>`, brackets and `FILL(series, number)`, which fills all `periods`."""

    def fill(given: Series, number: float) -> Series:
        return Series({**dict.fromkeys(periods, number), **given.values})

    result: Any = eval(expression, {"__builtins__": {}}, {**series, "FILL": fill})
    assert isinstance(result, Series)
    return result
