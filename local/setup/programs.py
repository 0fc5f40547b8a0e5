"""Runs a program to its end, its output in a log, as long as what it works on lives."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.machine import files
from local.machine.errors import ProgramStoppedError

_POLL_SECONDS = 0.5


def run_logged(
    command: Sequence[str],
    log_file: Path,
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    alive: Callable[[], bool] = lambda: True,
) -> int:
    """The exit status.

    Raises OSError when the program cannot be started, and ProgramStoppedError when it takes more than `timeout`
    seconds or `alive` says no.
    """
    deadline = time.monotonic() + timeout
    with (
        log_file.open("wb") as log,
        subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            while True:
                try:
                    return process.wait(_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    if not alive():
                        raise _stopped("lost what it worked on", log_file) from None
                    if time.monotonic() > deadline:
                        raise _stopped(f"did not end within {timeout:.0f} seconds", log_file) from None
        except BaseException:
            process.kill()
            raise


def _stopped(why: str, log_file: Path) -> ProgramStoppedError:
    return ProgramStoppedError(f"A program {why} and was stopped. Its log is {log_file}.", detail=files.tail(log_file))
