"""A model of how long DynamoDB takes, by which ways of writing are compared. It is arithmetic, not a measurement of AWS.

A request takes a round trip, and a transaction a little more for each of its actions.
"""

from __future__ import annotations

from typing import Any

from tests.support.clocks import SimulatedTime

ROUND_TRIP = 0.005
"""Seconds, as the README assumes."""
ACTION = ROUND_TRIP / 50
"""Seconds for each action of a transaction: an assumption, so that a large one is not as quick as a small one."""


class SlowClient:
    """A low-level client whose calls take simulated time. `pace` makes all of it slower."""

    def __init__(self, client: Any, time: SimulatedTime, *, pace: float = 1.0) -> None:
        self._client = client
        self._time = time
        self._pace = pace

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def slow(**request: Any) -> Any:
            actions = len(request.get("TransactItems", ()))
            self._time.sleep(self._pace * (ROUND_TRIP + ACTION * actions))
            return call(**request)

        return slow
