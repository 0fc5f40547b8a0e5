"""Makes `.venv` and `node_modules` what requirements.txt and package-lock.json say: `python3 -m local.setup.install`.

Runs on the user's own Python, before anything is installed: standard library only, and only parts of this package
that need no more. Does nothing when nothing has changed.
"""

import json
import shutil
import sys
import tomllib
from pathlib import Path

from local.machine import files
from local.machine.exits import exit_status
from local.machine.layout import REPOSITORY, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress
from local.setup import installers
from local.setup.fingerprint import fingerprint
from local.setup.virtualenv import VirtualEnvironment

VENV = VirtualEnvironment(place=REPOSITORY / ".venv", lock="requirements.txt")
ORACLES = "requirements-oracles.txt"
"""The lock of what others made of the log's formats, for the tests. They declare a newer Python and other packages than
they need, so they are installed into VENV as they are, beside its own packages."""
NODE_MODULES = REPOSITORY / "node_modules"
PYPROJECT = REPOSITORY / "pyproject.toml"


def wanted_command() -> dict[str, str]:
    """What decides how the repository itself is installed: how pyproject.toml says it is built, no tool's settings."""
    content = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    parts = [content["project"], content["build-system"], content["tool"]["hatch"]]
    return {"project": json.dumps(parts, sort_keys=True)}


def wanted_oracles() -> dict[str, str]:
    """What decides which oracles are installed."""
    return {"requirements": fingerprint([ORACLES])}


def wanted_node() -> dict[str, str]:
    """What decides the content of node_modules."""
    return {"packages": fingerprint(["package.json", "package-lock.json"])}


def is_installed() -> bool:
    """Whether all is as wanted."""
    return (
        VENV.is_made()
        and files.read_json(_oracles_stamp()) == wanted_oracles()
        and files.read_json(_command_stamp()) == wanted_command()
        and files.read_json(_node_stamp()) == wanted_node()
    )


def install(progress: Progress) -> None:
    """Install what is missing or outdated. Raises InstallError and AlreadyRunningError."""
    if is_installed():
        return
    layout = default_layout()
    layout.prepare()
    with only_one(layout.state / "install.lock", "installing packages"):
        if not VENV.is_made():
            VENV.make(progress, layout.logs)
        if files.read_json(_oracles_stamp()) != wanted_oracles():
            with progress.step(f"Installing the Python packages of {ORACLES}"):
                command = VENV.pip_install(ORACLES, "--ignore-requires-python")
                installers.run(command, layout.logs / "oracles.log", venv=VENV.place)
            files.write_json(_oracles_stamp(), wanted_oracles())
        if files.read_json(_command_stamp()) != wanted_command():
            with progress.step("Installing the command daybook"):
                installers.run(_pip_editable(), layout.logs / "daybook.log", venv=VENV.place)
            files.write_json(_command_stamp(), wanted_command())
        if files.read_json(_node_stamp()) != wanted_node():
            shutil.rmtree(NODE_MODULES, ignore_errors=True)
            with progress.step("Installing the packages of package-lock.json"):
                installers.run(_npm(), layout.logs / "npm.log", venv=VENV.place)
            files.write_json(_node_stamp(), wanted_node())


def _command_stamp() -> Path:
    return VENV.place / ".command.json"


def _oracles_stamp() -> Path:
    return VENV.place / ".oracles.json"


def _node_stamp() -> Path:
    return NODE_MODULES / ".installed.json"


def _pip_editable() -> list[str]:
    """The build backend is in the lock, so this step asks no registry."""
    options = ["--no-input", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    return [VENV.python, "-m", "pip", "install", *options, "--editable", str(REPOSITORY)]


def _npm() -> list[str]:
    return [VENV.program("npm"), "ci", "--no-audit", "--no-fund", "--no-update-notifier"]


def main() -> int:
    """Install what is needed."""
    return exit_status(lambda: install(Progress()), when_interrupted="The next make command goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
