"""Clocks under the control of a test."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Ticks:
    """Logical time: a counter that threads share. Each reading is larger than all readings before it."""

    def __init__(self) -> None:
        self._next = itertools.count(1).__next__

    def __call__(self) -> int:
        return self._next()


class TickingClock:
    """A wall clock that moves on by a millisecond at each reading. Thread-safe."""

    def __init__(self, start: datetime = START) -> None:
        self._next = itertools.count().__next__
        self._start = start

    def __call__(self) -> datetime:
        return self._start + timedelta(milliseconds=self._next())


class SimulatedTime:
    """Time that passes only when somebody waits. `wall` is off by `skew` seconds."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def wall(self, skew: float = 0.0) -> datetime:
        """The date and time on a clock that is off by `skew` seconds."""
        return START + timedelta(seconds=self._now + skew)
