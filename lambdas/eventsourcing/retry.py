"""Bounded retries: a deadline for a whole request, and exponential backoff with full jitter.

Jitter comes from the system's random source, so that functions restored from one snapshot do not retry in step.
Source of the formula: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

REQUEST_SECONDS = 10.0
"""All attempts of one request end within this time, well inside the gateway's 29 seconds."""

ATTEMPT_SECONDS = 3.0
"""The longest one attempt can take: 1 s to connect and 2 s to be answered, each as a whole (transport.strict)."""

PAUSE_SECONDS = 0.4
"""The longest pause before an attempt."""


class Deadline:
    """The moment by which a request must be answered."""

    __slots__ = ("_end", "_monotonic")

    def __init__(self, seconds: float = REQUEST_SECONDS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def allows_attempt(self) -> bool:
        """Whether another attempt, if it and the pause before it took their longest, would still end in time."""
        return self._end - self._monotonic() >= ATTEMPT_SECONDS + PAUSE_SECONDS


class Backoff:
    """Sleeps a random time between 0 and min(cap, base · 2^attempt) seconds."""

    def __init__(
        self,
        *,
        base: float = 0.02,
        cap: float = PAUSE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] | None = None,
    ) -> None:
        self._base = base
        self._cap = cap
        self._sleep = sleep
        self._uniform = uniform or random.SystemRandom().uniform

    def pause(self, attempt: int) -> None:
        """Wait before attempt number `attempt` + 1 (the first attempt is 1)."""
        self._sleep(self._uniform(0.0, min(self._cap, self._base * 2.0**attempt)))
