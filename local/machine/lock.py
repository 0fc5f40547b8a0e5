"""Advisory locks on files. A lock ends with the process that holds it, also after a crash."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.machine.errors import AlreadyRunningError


@contextmanager
def only_one(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock of a file for a block. Raises AlreadyRunningError when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"Another command of this repository is already {doing}. Wait until it has finished."
            ) from None
        yield


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock of a file. A file that does not exist is not locked."""
    try:
        file = path.open()
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
