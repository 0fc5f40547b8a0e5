"""How long a pause is, and where its randomness is from."""

from __future__ import annotations

import random
from typing import Any

import pytest

from lambdas.eventsourcing.retry import Backoff

LONGEST = {1: 0.04, 2: 0.08, 3: 0.16, 4: 0.32, 5: 0.4, 6: 0.4}
"""Seconds before the attempt after this one: base · 2^attempt, and never more than the cap."""


def test_jitter_is_from_the_system() -> None:
    """A seeded source would be the same in all functions that are restored from one snapshot."""
    uniform: Any = Backoff()._uniform

    assert isinstance(uniform.__self__, random.SystemRandom)


@pytest.mark.parametrize("attempt", LONGEST)
def test_a_pause_is_anything_from_nothing_to_its_longest(attempt: int) -> None:
    asked: list[tuple[float, float]] = []
    slept: list[float] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 3

    Backoff(sleep=slept.append, uniform=uniform).pause(attempt)

    [(low, high)] = asked
    assert (low, high) == pytest.approx((0.0, LONGEST[attempt]))
    assert slept == [high / 3]


def test_pauses_differ() -> None:
    slept: list[float] = []
    backoff = Backoff(sleep=slept.append)
    for _ in range(20):
        backoff.pause(5)

    assert all(0.0 <= pause <= LONGEST[5] for pause in slept)
    assert len(set(slept)) > 1
