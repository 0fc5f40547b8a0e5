"""Counts the requests of a projector, by the name of the port's method."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Counting:
    """A port that counts its calls into `calls`, which several ports may share."""

    def __init__(self, port: Any, calls: Counter[str]) -> None:
        self._port = port
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def called(*args: Any, **kwargs: Any) -> Any:
            self._calls[name] += 1
            return method(*args, **kwargs)

        return called
