"""Makes `.venv` and `node_modules` what requirements.txt and package-lock.json say: `python3 -m local.setup.install`.

Runs on the user's own Python, before anything is installed: standard library only, and only parts of this package
that need no more. Does nothing when nothing has changed.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from local.machine import files
from local.machine.errors import InstallError
from local.machine.exits import exit_status
from local.machine.layout import REPOSITORY, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress
from local.setup.fingerprint import fingerprint
from local.setup.install_failures import explain
from local.setup.programs import run_logged

VENV = REPOSITORY / ".venv"
NODE_MODULES = REPOSITORY / "node_modules"
_VENV_STAMP = VENV / ".installed.json"
_TIMEOUT_SECONDS = 1800
_NODE_STAMP = NODE_MODULES / ".installed.json"


def base_python() -> str:
    """The Python to make a virtual environment from, also when this one is in a virtual environment itself."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def wanted_venv() -> dict[str, str]:
    """What decides the virtual environment's content. It cannot be moved, so its place is part of it."""
    return {"python": sys.version, "place": str(VENV), "requirements": fingerprint(["requirements.txt"])}


def wanted_node() -> dict[str, str]:
    """What decides the content of node_modules."""
    return {"packages": fingerprint(["package.json", "package-lock.json"])}


def is_installed() -> bool:
    """Whether both are as wanted."""
    return files.read_json(_VENV_STAMP) == wanted_venv() and files.read_json(_NODE_STAMP) == wanted_node()


def install(progress: Progress) -> None:
    """Install what is missing or outdated. Raises InstallError and AlreadyRunningError."""
    if is_installed():
        return
    layout = default_layout()
    layout.prepare()
    with only_one(layout.state / "install.lock", "installing packages"):
        if files.read_json(_VENV_STAMP) != wanted_venv():
            with progress.step("Creating the virtual environment .venv"):
                _run([base_python(), "-m", "venv", "--clear", str(VENV)], layout.logs / "venv.log")
            with progress.step("Installing the Python packages of requirements.txt (a minute or two)"):
                _run(_pip(), layout.logs / "pip.log")
            files.write_json(_VENV_STAMP, wanted_venv())
        if files.read_json(_NODE_STAMP) != wanted_node():
            shutil.rmtree(NODE_MODULES, ignore_errors=True)
            with progress.step("Installing the pinned CDK command line"):
                _run(_npm(), layout.logs / "npm.log")
            files.write_json(_NODE_STAMP, wanted_node())


def _pip() -> list[str]:
    python = str(VENV / "bin" / "python")
    requirements = str(REPOSITORY / "requirements.txt")
    return [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-r", requirements]


def _npm() -> list[str]:
    return [str(VENV / "bin" / "npm"), "ci", "--no-audit", "--no-fund", "--no-update-notifier"]


def _run(command: Sequence[str], log_file: Path) -> None:
    """Run one installer in the virtual environment's PATH, its output in a log."""
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    environment.pop("PYTHONHOME", None)
    try:
        status = run_logged(command, log_file, cwd=REPOSITORY, env=environment, timeout=_TIMEOUT_SECONDS)
    except OSError as error:
        raise InstallError(f"{command[0]} could not be started: {error.strerror}.") from error
    if status != 0:
        output = log_file.read_text(encoding="utf-8", errors="replace")
        raise InstallError(f"{explain(output)} The whole log is {log_file}.", detail=files.tail(log_file, 4))


def main() -> int:
    """Install what is needed."""
    return exit_status(lambda: install(Progress()), when_interrupted="The next make command goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
