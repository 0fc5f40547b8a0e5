"""Progress of work that takes over two seconds: a bar on a terminal, else plain lines. Both go to standard error."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import ClassVar, Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS: Final = 2.0
"""Work that ends sooner shows no progress."""

PLAIN_SECONDS: Final = 10.0
"""Between plain lines."""


class Steps:
    """Counts steps of some work, of `total` where that is known. A context manager; within another one it is silent."""

    _shown: ClassVar[Steps | None] = None

    def __init__(
        self, text: str, total: int | None = None, *, patience: float = PATIENCE_SECONDS, every: float = PLAIN_SECONDS
    ) -> None:
        self._text = text
        self._total = total
        self._patience = patience
        self._every = every
        self._done = 0
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if Steps._shown is None:
            Steps._shown = self
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if Steps._shown is self:
            Steps._shown = None
            self._ended.set()
            self._thread.join()

    def advance(self, steps: int = 1) -> None:
        """Count some steps as done."""
        self._done += steps

    def _show(self) -> None:
        if self._ended.wait(self._patience):
            return
        console = Console(stderr=True)
        if console.is_terminal:
            self._bar(console)
        else:
            self._lines()

    def _bar(self, console: Console) -> None:
        columns = [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
        if self._total is not None:
            columns[2:2] = [BarColumn(), MofNCompleteColumn()]
        # Lines on standard output go above the bar; a file or a pipe that takes them is none of the bar's business.
        with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
            task = bar.add_task(self._text, total=self._total, completed=self._done)
            while not self._ended.wait(0.1):
                bar.update(task, completed=self._done)

    def _lines(self) -> None:
        while True:
            of = "" if self._total is None else f" of {self._total:,}"
            counted = f", {self._done:,}{of} done" if self._done or self._total is not None else ""
            seconds = time.monotonic() - self._started
            print(f"{self._text}{counted} ({seconds:.0f} s so far)", file=sys.stderr, flush=True)
            if self._ended.wait(self._every):
                return
