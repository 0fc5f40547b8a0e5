"""A seal: a batch of leaves, decided once. All else of the log follows from its seals.

The first line is a header in JSON; then there is a line for each leaf, as `leaves.encode_leaf` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from lambdas.transparency.errors import MalformedError
from lambdas.transparency.leaves import Leaf, decode_leaf
from lambdas.transparency.log_store import CHECKPOINTS, SEALS
from lambdas.transparency.tiles import NOTE_TYPE

SEAL_LEAVES: Final = 65_536
"""Leaves of a seal at most: some 6 MB. A run that finds more makes several seals."""

BEGINNING: Final = "0000"
"""Before all days: the first run reads the whole lake."""

SEAL_TYPE: Final = NOTE_TYPE
"""The content type of a seal."""

_LINE: Final = b"\n"


class SealHeader(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a seal.

    It holds the leaves first_leaf … first_leaf + leaves − 1 of the log `origin`. The sealer looked at what arrived in
    the lake from the day `from_dt` on, account by account. If `next_account` is empty it came to the end, and the next
    run looks at what arrived from `next_from_dt` on. Else the next run goes on at that account, from `from_dt` on as
    before, and `next_from_dt` is what the accounts until there leave to the run after the last of them.
    """

    seal: int
    first_leaf: int
    leaves: int
    origin: str
    decided_at: str
    from_dt: str
    next_from_dt: str
    next_account: str

    @property
    def size(self) -> int:
        """The size of the log with this seal."""
        return self.first_leaf + self.leaves


class Seal:
    """The content of a seal's object. Leaves are decoded while they are iterated over."""

    def __init__(self, content: bytes) -> None:
        """Raises MalformedError if the content does not begin with a header, does not hold as many leaves, or lets the
        next run look at nothing of the days before it was decided: a sealer would do as it says without a word."""
        end = content.find(_LINE)
        try:
            self.header = msgspec.json.decode(content[: max(end, 0)], type=SealHeader)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise MalformedError(f"no header of a seal: {content[:80]!r}: {error}") from error
        found = content.count(_LINE, end + 1)
        if found != self.header.leaves or not content.endswith(_LINE):
            raise MalformedError(f"seal {self.header.seal} says {self.header.leaves} leaves, and has {found} lines")
        if self.header.next_from_dt > self.header.decided_at:  # a day is less than each of its moments
            raise MalformedError(
                f"seal {self.header.seal} was decided at {self.header.decided_at}, and lets the next run look from "
                f"{self.header.next_from_dt} on"
            )
        self._content = content
        self._begin = end + 1

    def entries(self) -> Iterator[bytes]:
        """The leaves as texts, in order."""
        at = self._begin
        while at < len(self._content):
            end = self._content.index(_LINE, at)
            yield self._content[at:end]
            at = end + 1

    def leaves(self) -> Iterator[tuple[int, Leaf]]:
        """Each leaf and where it stands in the log. Raises MalformedError."""
        return ((place, decode_leaf(entry)) for place, entry in enumerate(self.entries(), self.header.first_leaf))


def encode_seal(header: SealHeader, lines: bytes | bytearray) -> bytes:
    """The content of a seal; `lines` are its leaves, a newline after each."""
    return msgspec.json.encode(header) + _LINE + lines


def seal_name(number: int) -> str:
    """The name of a seal's object."""
    return f"{SEALS}{number:08}"


def checkpoint_name(number: int) -> str:
    """The name of the checkpoint that was made after a seal."""
    return f"{CHECKPOINTS}{number:08}"
