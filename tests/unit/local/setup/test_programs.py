"""A program runs to its end, or is stopped with a sentence."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.machine.errors import ProgramStoppedError
from local.setup import programs

pytestmark = pytest.mark.programs

SLOW = "import time; print('still here', flush=True); time.sleep(60)"


def run(program: str, log: Path, *, timeout: float = 60, alive: Callable[[], bool] = lambda: True) -> int:
    command = [sys.executable, "-c", program]
    return programs.run_logged(command, log, cwd=log.parent, env=os.environ, timeout=timeout, alive=alive)


def test_the_status_and_the_output_of_a_program_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "import sys; print('out'); sys.stdout.flush(); print('err', file=sys.stderr); sys.exit(3)"
    assert run(program, log) == 3
    assert log.read_text() == "out\nerr\n"


@pytest.mark.parametrize(
    ("timeout", "alive", "sentence"),
    [(0.1, True, "did not end within 0 seconds"), (60, False, "lost what it worked on")],
)
def test_a_program_that_cannot_succeed_is_stopped(tmp_path: Path, timeout: float, alive: bool, sentence: str) -> None:
    with pytest.raises(ProgramStoppedError, match=sentence):
        run(SLOW, tmp_path / "log", timeout=timeout, alive=lambda: alive)


def test_an_interrupted_program_is_stopped(tmp_path: Path) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(SLOW, tmp_path / "log", alive=interrupt)
