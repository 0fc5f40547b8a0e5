"""A clock that a test sets."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.clocks import START


class SetClock:
    """Stands still until it is set, to any moment."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def set(self, seconds: float) -> None:
        """So many seconds after the start."""
        self.now = START + timedelta(seconds=seconds)
