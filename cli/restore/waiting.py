"""Waits for what DynamoDB does in its own time, up to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cli.errors import UnavailableError

POLL_SECONDS: Final = 5.0
RESTORE_SECONDS: Final = 12 * 3600.0
"""AWS states no bound for a restore; most end within an hour. Source: DynamoDB Developer Guide, "Point-in-time
recovery: how it works"."""
SETTING_SECONDS: Final = 600.0


def wait_until(
    done: Callable[[], bool],
    what: str,
    seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ask every few seconds until it is done. Raises UnavailableError when the time is over."""
    deadline = clock() + seconds
    while not done():
        if clock() >= deadline:
            raise UnavailableError(f"After {seconds:.0f} s {what}. Repeating the command goes on.")
        sleep(POLL_SECONDS)
