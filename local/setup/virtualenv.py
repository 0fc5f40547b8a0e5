"""A virtual environment with the packages that a lock file names, each with a hash that the lock names.

Runs on the user's own Python, before anything is installed: standard library only. pip installs, so the machine's own
pip configuration holds: its index, its mirrors, its certificates.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from local.machine import files
from local.machine.layout import REPOSITORY
from local.machine.progress import Progress
from local.setup import installers
from local.setup.fingerprint import fingerprint


def base_python() -> str:
    """The Python to make a virtual environment from, also when this one is in a virtual environment itself."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


@dataclass(frozen=True, kw_only=True)
class VirtualEnvironment:
    """Where it is, and the lock file, relative to the repository, that says what is in it."""

    place: Path
    lock: str

    @property
    def stamp(self) -> Path:
        """Says what was installed, once all of it was."""
        return self.place / ".installed.json"

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.place / "bin" / "python")

    def program(self, name: str) -> str:
        """The path of a program that one of the packages brings."""
        return str(self.place / "bin" / name)

    def wanted(self) -> dict[str, str]:
        """What decides its content. A virtual environment cannot be moved, so its place is part of it."""
        return {"python": sys.version, "place": str(self.place), "requirements": fingerprint([self.lock])}

    def is_made(self) -> bool:
        """Whether it is as wanted."""
        return files.read_json(self.stamp) == self.wanted()

    def make(self, progress: Progress, logs: Path) -> None:
        """Make it anew. Raises InstallError."""
        name, log = self.place.name, self.place.name.removeprefix(".")
        if self.place.is_symlink():
            self.place.unlink()  # `--clear` would empty what it points to, which belongs to somebody else
        with progress.step(f"Creating the virtual environment {name}"):
            command = [base_python(), "-m", "venv", "--clear", str(self.place)]
            installers.run(command, logs / f"{log}-venv.log", venv=self.place)
        with progress.step(f"Installing the Python packages of {self.lock} (a minute or so)"):
            installers.run(self.pip_command(), logs / f"{log}-pip.log", venv=self.place)
            installers.run(self.compile_command(), logs / f"{log}-compile.log", venv=self.place)
        files.write_json(self.stamp, self.wanted())

    def pip_command(self) -> list[str]:
        """Install the lock. It is complete, so nothing is resolved, and a package without a hash is refused.

        pip would compile every module on one core; `compile_command` does it on all.
        """
        return self.pip_install(self.lock, "--no-compile")

    def pip_install(self, lock: str, *options: str) -> list[str]:
        """Install a lock that names hashes, and nothing that it does not name."""
        always = ["--no-input", "--disable-pip-version-check", "--require-hashes", "--no-deps", *options]
        return [self.python, "-m", "pip", "install", *always, "--requirement", str(REPOSITORY / lock)]

    def compile_command(self) -> list[str]:
        """Write bytecode, since an interpreter may be told not to (PYTHONDONTWRITEBYTECODE) and be slow at every start.

        Packages ship templates that are no Python: as for pip, a file that does not compile is no error.
        """
        compile_all = f"import compileall; compileall.compile_dir({str(self.place / 'lib')!r}, quiet=2, workers=0)"
        return [self.python, "-c", compile_all]
