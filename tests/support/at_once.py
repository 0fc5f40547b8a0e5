"""Requests that are seen to be under way at once."""

from __future__ import annotations

from threading import Event, Lock
from typing import Any

SECONDS = 20.0


class AtOnce:
    """An object of which no call of some methods answers before two of them are under way; it counts them."""

    def __init__(self, wrapped: Any, *names: str) -> None:
        self._wrapped = wrapped
        self._names = names
        self._lock = Lock()
        self._two = Event()
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        if name not in self._names:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self.calls += 1
                if self.calls == 2:
                    self._two.set()
            assert self._two.wait(SECONDS), f"{name} is under way alone"
            return found(*arguments, **named)

        return call
