"""Shows a few lines again and again: in place on a terminal, else one after the other with the time before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import sleep
from typing import Final, NoReturn

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.errors import UnavailableError
from cli.output import say
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.projections.errors import ReadModelUnavailableError

SECONDS: Final = 3.0
"""From the end of one measurement to the next: the stream's reads are its consumers' first of all."""


def follow(lines: Callable[[], Sequence[str]]) -> NoReturn:
    """Until Ctrl-C. What does not answer is told, and asked again."""
    console = Console()
    if console.is_terminal:
        _in_place(console, lines)
    while True:
        for line in _asked(lines):
            say(f"{_now()}  {line}")
        sleep(SECONDS)


def _in_place(console: Console, lines: Callable[[], Sequence[str]]) -> NoReturn:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = [*_asked(lines), f"measured at {_now()}; Ctrl-C ends"]
            live.update(Text("\n".join(found), no_wrap=True, overflow="ellipsis"), refresh=True)
            sleep(SECONDS)


def _asked(lines: Callable[[], Sequence[str]]) -> Sequence[str]:
    try:
        return lines()
    except (UnavailableError, ReadModelUnavailableError) as error:
        return [str(error)]


def _now() -> str:
    return f"{format_timestamp(utc_now())[:19]}Z"
