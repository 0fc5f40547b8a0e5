"""Waiting for what a deployed system does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.1


def eventually(
    condition: Callable[[], Any], what: str, patience: float = PATIENCE_SECONDS, *, every: float = POLL_SECONDS
) -> Any:
    """What the condition gives once it gives anything, asked every so many seconds; fails when that takes too long."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} seconds for {what}"
        time.sleep(every)
    return found
