"""Finds a checkpoint in a file, or in the log by its size or as the newest, and verifies its signature."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

from cli.environments.log import Log, nothing_sealed
from cli.errors import CommandError, UsageError
from lambdas.transparency.checkpoint import of_note
from lambdas.transparency.errors import LogConflictError, MalformedError, ProofError
from lambdas.transparency.log_store import CHECKPOINT, CHECKPOINTS

MOST_BYTES = 1_000_000
"""A file that is larger is no checkpoint."""


class Kept(NamedTuple):
    """A checkpoint that the log's key signed, and what it is called in a sentence."""

    named: str
    origin: str
    size: int
    root: bytes
    signed: bytes


def read(log: Log, given: str) -> Kept:
    """The checkpoint in a file, or the one of a size. Raises CommandError, TransparencyError."""
    path = Path(given)
    if not given.isdecimal() or path.exists():
        return _in_file(log, path)
    size, names = int(given), list(log.store.names(CHECKPOINTS))
    found = bisect_left(names, size, key=lambda name: of_note(_stored(log, name)).size)
    if found < len(names):
        kept = _opened(log, _stored(log, names[found]), f"its checkpoint of {size:,}")
        if kept.size == size:
            return kept
    near = [f"{of_note(_stored(log, name)).size:,}" for name in names[max(0, found - 1) : found + 1]]
    if not near:
        raise nothing_sealed()
    raise UsageError(f"No checkpoint says {entries(size)}; the nearest is of {' and '.join(near)}.")


def newest(log: Log) -> Kept:
    """The log's newest checkpoint. Raises CommandError, TransparencyError."""
    found = log.store.get(CHECKPOINT)
    if found is None:
        raise nothing_sealed()
    return _opened(log, found.content, "its newest checkpoint")


def entries(number: int) -> str:
    """`1 entry`, `2 entries`."""
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def _in_file(log: Log, path: Path) -> Kept:
    """Empty lines at the end are left off: what brings messages into a bucket may add a line break to each."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}. Give a file with a checkpoint, or a size."
        ) from error
    try:
        return _opened(log, content.rstrip(b"\n") + b"\n", f"the checkpoint in {path}")
    except MalformedError as error:
        raise UsageError(f"{path} holds no checkpoint: {error}.") from error
    except ProofError as error:
        raise CommandError(f"{path} is no checkpoint of this log: {error}.") from error


def _opened(log: Log, signed: bytes, named: str) -> Kept:
    found = log.opened(signed)
    return Kept(named, found.origin, found.size, found.root, signed)


def _stored(log: Log, name: str) -> bytes:
    found = log.store.get(name)
    if found is None:
        raise LogConflictError(f"{name} was listed and is gone")
    return found.content
