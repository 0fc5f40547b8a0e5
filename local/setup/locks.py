"""The lock files, and `python -m local.setup.locks [--upgrade]`, which compiles them again.

A lock pins every package that an .in file needs, transitive ones included, for every platform and every Python from
3.11 on, with the hashes of all its files. uv compiles it, because pip cannot for other platforms than its own.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from local.machine.exits import exit_status
from local.machine.layout import default_layout
from local.machine.progress import Progress
from local.setup import installers
from local.setup.tools import TOOLS, prepare_tools

LOCKS: dict[str, tuple[str, ...]] = {
    "requirements.txt": ("requirements.in",),
    "lambdas/requirements.txt": ("lambdas/requirements.in", "--constraints", "requirements.txt"),
    "requirements-audit.txt": ("requirements-audit.in",),
    "requirements-clients.txt": ("requirements-clients.in",),
    "requirements-oracles.txt": ("requirements-oracles.in", "--no-deps"),
}
"""Lock file to what it is compiled from, in this order: the tests run with the versions that are shipped."""

_OLDEST = {"requirements-oracles.txt": "3.12"}
"""The oldest Python that the packages of a lock say they run on, where it is not 3.11."""

_PACKAGE = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\\n]+?))?(?P<hashes>(?: \\\n +--hash=\S+)*)"
)


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One package of a lock file."""

    version: str
    hashes: tuple[str, ...]
    """Each as ALGORITHM:HEX."""


def read_lock(path: Path) -> dict[str, Locked]:
    """Package name to what is locked. Raises ValueError for a line that is no package of a fixed version."""
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE).strip()
    found: dict[str, Locked] = {}
    for entry in re.split(r"\n(?=\S)", text):
        package = _PACKAGE.fullmatch(entry)
        if package is None:
            raise ValueError(f"{path.name} has a line that is no package of a fixed version: {entry.splitlines()[0]}")
        hashes = re.findall(r"--hash=(\S+)", package["hashes"])
        found[package["name"]] = Locked(version=package["version"], hashes=tuple(hashes))
    return found


def read_names(path: Path) -> set[str]:
    """The packages that an .in file names, and those of the files it takes in."""
    names: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            names |= read_names(path.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            [name] = re.findall(r"^[A-Za-z0-9_.-]+", line)
            names.add(name)
    return names


def compile_command(lock: str, *, upgrade: bool) -> list[str]:
    """What compiles one lock. What is locked already stays so unless `upgrade`."""
    python = _OLDEST.get(lock, "3.11")
    options = ["--universal", "--python-version", python, "--no-python-downloads", "--generate-hashes", "--no-annotate"]
    how = ["--custom-compile-command", "make lock", *(["--upgrade"] if upgrade else [])]
    return [TOOLS.program("uv"), "pip", "compile", *options, *how, *LOCKS[lock], "--output-file", lock]


def compile_locks(progress: Progress, *, upgrade: bool) -> None:
    """Compile all of them. Raises InstallError."""
    prepare_tools(progress)
    for lock in LOCKS:
        with progress.step(f"Compiling {lock}"):
            command = compile_command(lock, upgrade=upgrade)
            installers.run(command, default_layout().logs / f"lock-{lock.replace('/', '-')}.log", venv=TOOLS.place)


def main() -> int:
    """Compile the locks; `--upgrade` takes the newest versions."""
    upgrade = "--upgrade" in sys.argv[1:]
    return exit_status(
        lambda: compile_locks(Progress(), upgrade=upgrade), when_interrupted="`git diff` shows which locks are new."
    )


if __name__ == "__main__":
    sys.exit(main())
