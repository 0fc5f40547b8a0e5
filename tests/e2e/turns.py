"""Locks between the processes of one test run, on files; they end with the process that holds them.

`local.machine.lock` refuses at once what another command holds. Here processes wait for each other.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.machine.errors import AlreadyRunningError


@contextmanager
def turn(path: Path, *, alone: bool) -> Iterator[None]:
    """Wait for a turn at a lock, and hold it for a block: alone, or beside others that are not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@contextmanager
def shared_by_a_run(
    folder: Path, run: str, *, start: Callable[[], object], stop: Callable[[], object]
) -> Iterator[None]:
    """Something that all processes of the test run named `run` use: the first one starts it, the last one stops it.

    Raises AlreadyRunningError while another run uses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    users = folder / "users.lock"
    with users.open("a+") as file:
        with turn(folder / "door.lock", alone=True):
            if _nobody_else(file):
                start()
                users.write_text(run)
            elif users.read_text() != run:
                raise AlreadyRunningError("Another command of this repository is already running these tests.")
            fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with turn(folder / "door.lock", alone=True):
                fcntl.flock(file, fcntl.LOCK_UN)
                if _nobody_else(file):
                    stop()


def _nobody_else(file: IO[str]) -> bool:
    """Take the file for oneself, if no other process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
