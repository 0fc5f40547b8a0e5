"""Hashes of what a deployment and an emulator are made of, so that nothing is done twice."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.machine.layout import REPOSITORY

SOURCES = (
    "app.py",
    "cdk.json",
    "package-lock.json",
    "requirements.txt",
    "analytics",
    "constructs_lib",
    "lambdas",
    "stacks",
)
"""The files and folders the cloud assembly is synthesized from."""

PACKAGES = ("requirements.txt", "local/athena", "local/gateway", "local/emulator/launch.py")
"""What is installed in the interpreter that runs the emulator and its functions, and the proxies beside it."""


def fingerprint(names: Iterable[str], root: Path = REPOSITORY) -> str:
    """A SHA-256 over the paths and contents of files and of all files in folders; caches and dot files left out."""
    total = hashlib.sha256()
    for path in sorted(set(_files(names, root))):
        name = path.relative_to(root).as_posix().encode()
        content = path.read_bytes()
        total.update(b"%d:%b%d:%b" % (len(name), name, len(content), content))
    return total.hexdigest()


def _files(names: Iterable[str], root: Path) -> Iterator[Path]:
    for name in names:
        path = root / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (each for each in path.rglob("*") if each.is_file() and not _is_left_out(each, path))


def _is_left_out(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return path.suffix == ".pyc" or "__pycache__" in parts or any(part.startswith(".") for part in parts)
