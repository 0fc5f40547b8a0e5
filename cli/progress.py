"""Progress of work that takes over two seconds: a bar on a terminal, else plain lines. Both go to standard error."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import ClassVar, Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

PATIENCE_SECONDS: Final = 2.0
"""Work that ends sooner shows no progress."""

PLAIN_SECONDS: Final = 10.0
"""Between plain lines."""


class RateColumn(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Nothing until two updates have shown how quick it is."""
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s", style="progress.data.speed")


class Steps:
    """Counts steps of some work, of `total` where that is known. A context manager; within another one it is silent.

    With `rate` it also says how many steps a second, and how long the rest takes. A total that proves to be too small
    (an estimate) grows.
    """

    _shown: ClassVar[Steps | None] = None

    def __init__(
        self,
        text: str,
        total: int | None = None,
        *,
        rate: bool = False,
        patience: float = PATIENCE_SECONDS,
        every: float = PLAIN_SECONDS,
    ) -> None:
        self._text = text
        self._total = total
        self._rate = rate
        self._patience = patience
        self._every = every
        self._done = 0
        self._done_before: int | None = None
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

    def reach(self, done: int) -> None:
        """Say how many steps are done altogether; those of the first call were done before this work began."""
        if self._done_before is None:
            self._done_before = done
        if self._total is not None:
            self._total = max(self._total, done)
        self._done = done

    def _show(self) -> None:
        if self._ended.wait(self._patience):
            return
        console = Console(stderr=True)
        if console.is_terminal:
            self._bar(console)
        else:
            self._lines()

    def _bar(self, console: Console) -> None:
        columns: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}")]
        if self._total is not None:
            columns += [BarColumn(bar_width=16 if self._rate else 40), MofNCompleteColumn()]
        columns += [RateColumn(), TimeRemainingColumn()] if self._rate else [TimeElapsedColumn()]
        # Lines on standard output go above the bar; a file or a pipe that takes them is none of the bar's business.
        with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
            task = bar.add_task(self._text, total=self._total, completed=self._done)
            while not self._ended.wait(0.1):
                bar.update(task, completed=self._done, total=self._total)

    def _lines(self) -> None:
        while True:
            of = "" if self._total is None else f" of {self._total:,}"
            counted = f", {self._done:,}{of} done" if self._done or self._total is not None else ""
            seconds = time.monotonic() - self._started
            pace = self._pace(seconds) if self._rate else ""
            print(f"{self._text}{counted} ({seconds:.0f} s so far{pace})", file=sys.stderr, flush=True)
            if self._ended.wait(self._every):
                return

    def _pace(self, seconds: float) -> str:
        """Steps a second since the first count, and how long the rest takes."""
        steps = self._done - (self._done_before or 0)
        if not steps:
            return ""
        left = "" if self._total is None else f", {(self._total - self._done) * seconds / steps:,.0f} s left"
        return f", {steps / seconds:,.0f} a second{left}"
