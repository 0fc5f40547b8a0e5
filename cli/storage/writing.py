"""Writes the files of answers: all of one, or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from cli.errors import CommandError


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file that stands at `path` once the block has ended well; if it raises, nothing has changed there.

    Raises CommandError when it cannot be written.
    """
    part = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            part = Path(file.name)
            yield file
        part.chmod(0o666 & ~_umask())
        part.replace(path)
        part = None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink()


def write_file(path: Path, content: bytes) -> str:
    """Write a file; its path as text. Raises CommandError."""
    with writing(path) as file:
        file.write(content)
    return str(path)


def _umask() -> int:
    """The process's mask of permissions, which can be read only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
