"""Prints each step and its duration: a live line on a terminal, else plain lines. Standard library only."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_FRAMES = "|/-\\"
_TICK_SECONDS = 0.2
_PLAIN_TICK_SECONDS = 10.0


class Progress:
    """Reports steps to a stream."""

    def __init__(self, stream: TextIO | None = None, *, plain_tick: float = _PLAIN_TICK_SECONDS) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._tick = _TICK_SECONDS if self._live else plain_tick

    def say(self, text: str) -> None:
        """Print one line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show a step while the block runs, and afterwards how long it took."""
        started = time.monotonic()
        ended = threading.Event()
        if not self._live:
            self.say(f"  ...    {text}")
        ticker = threading.Thread(target=self._tick_until, args=(ended, text, started), daemon=True)
        ticker.start()
        mark = "failed"
        try:
            yield
            mark = "done"
        finally:
            ended.set()
            ticker.join()
            self._finish(f"  {mark:6} {text} ({time.monotonic() - started:.1f} s)")

    def _tick_until(self, ended: threading.Event, text: str, started: float) -> None:
        frame = 0
        while not ended.wait(self._tick):
            seconds = time.monotonic() - started
            if self._live:
                line = f"  {_FRAMES[frame % len(_FRAMES)]:6} {text} ({seconds:.0f} s)"
                # A line that the terminal breaks could not be written over: each tick would leave a piece behind.
                self._stream.write(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")
                self._stream.flush()
            else:
                self.say(f"  ...    {text} ({seconds:.0f} s so far)")
            frame += 1

    def _finish(self, line: str) -> None:
        self.say(f"\r\033[K{line}" if self._live else line)
