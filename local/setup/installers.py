"""Runs venv, pip and npm: their output in a log, and a sentence when they fail. Standard library only."""

import os
from collections.abc import Sequence
from pathlib import Path

from local.machine import files
from local.machine.errors import InstallError
from local.machine.layout import REPOSITORY
from local.setup.install_failures import explain
from local.setup.programs import run_logged

_TIMEOUT_SECONDS = 1800


def run(command: Sequence[str], log_file: Path, *, venv: Path) -> None:
    """Run one installer with the programs of a virtual environment first. Raises InstallError."""
    environment = {**os.environ, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    environment.pop("PYTHONHOME", None)
    try:
        status = run_logged(command, log_file, cwd=REPOSITORY, env=environment, timeout=_TIMEOUT_SECONDS)
    except OSError as error:
        raise InstallError(f"{command[0]} could not be started: {error.strerror}.") from error
    if status != 0:
        output = log_file.read_text(encoding="utf-8", errors="replace")
        raise InstallError(f"{explain(output)} The whole log is {log_file}.", detail=files.tail(log_file, 4))
