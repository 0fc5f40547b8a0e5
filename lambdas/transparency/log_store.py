"""Where the log's objects stand: a port, for a bucket and for memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

CHECKPOINT: Final = "checkpoint"
SEALS: Final = "seal/"
"""The prefix of seals: `seal/00000000` is the first."""

CHECKPOINTS: Final = "checkpoints/"
"""The prefix of all checkpoints there ever were, each under the number of its seal: `checkpoints/00000000`."""


class Stored(NamedTuple):
    """An object's content, and the tag by which it can be replaced."""

    content: bytes
    tag: str


class LogStore(Protocol):
    """Objects by name, relative to the log. All methods raise LogUnavailableError. Safe to use from several threads."""

    def get(self, name: str) -> Stored | None:
        """The object; None if there is none."""
        ...

    def add(self, name: str, content: bytes, content_type: str) -> bool:
        """Put an object unless there is one of that name: whether it was put."""
        ...

    def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
        """Put an object in the place of the one with this tag (empty: in the place of none): whether it was put."""
        ...

    def names(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """The names with a prefix that come after another, in order."""
        ...
