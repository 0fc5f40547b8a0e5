"""What a seal does to the index: it follows from the seal's leaves and from the seals before it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, islice
from typing import Final

from lambdas.transparency.errors import LogConflictError
from lambdas.transparency.index import AccountRuns, Head, LogIndex, Run
from lambdas.transparency.leaves import Leaf, RestoredLeaf, RowLeaf
from lambdas.transparency.seal import Seal, SealHeader
from lambdas.transparency.standing import row_leaf_at
from lambdas.transparency.tile_reader import TileReader

NOTHING: Final = bytes(32)
"""The hash in the head of an account of which everything was revoked: what the first row's chain begins with."""

_CHUNK: Final = 1_000


def apply_seal(seal: Seal, index: LogIndex, reader: TileReader) -> None:
    """Bring the index up to a seal, of which all before are in it and all tiles are written. Again changes nothing.

    Raises LogUnavailableError, MalformedError, and LogConflictError if the index is not what follows from the seals.
    """
    grouped = groupby(seal.leaves(), key=lambda each: each[1].account_id)
    accounts = ((account_id, list(leaves)) for account_id, leaves in grouped)
    while chunk := list(islice(accounts, _CHUNK)):
        heads = index.heads([account_id for account_id, _ in chunk])
        changes = (
            _of_account(account_id, leaves, heads.get(account_id), seal, index, reader) for account_id, leaves in chunk
        )
        index.apply([each for each in changes if each], seal=seal.header.seal)


def _of_account(
    account_id: str,
    leaves: Iterable[tuple[int, Leaf]],
    head: Head | None,
    seal: Seal,
    index: LogIndex,
    reader: TileReader,
) -> AccountRuns | None:
    """What the seal does to an account; None if a later seal has changed it already."""
    number = seal.header.seal
    if head and head.seal > number:
        return None
    try:
        change = _Change(account_id, head, seal.header, index, reader)
        for place, leaf in leaves:
            change.take(place, leaf)
    except LogConflictError:
        newer = index.heads([account_id]).get(account_id)
        if newer and newer.seal > number:
            return None
        raise
    return change.runs()


class _Change:
    """Goes through an account's leaves in a seal. `_head` is its newest version that stands."""

    def __init__(
        self, account_id: str, head: Head | None, header: SealHeader, index: LogIndex, reader: TileReader
    ) -> None:
        self._id = account_id
        self._header = header
        self._index = index
        self._reader = reader
        self._head = head or Head(0, 0, NOTHING, header.seal)
        self._follows = head is None or head.seal < header.seal  # else the head is this seal's own, applied before
        self._runs: dict[int, Run] = {}
        self._open: Run | None = None
        self._revoked_after: int | None = None

    def take(self, place: int, leaf: Leaf) -> None:
        """The next leaf."""
        if isinstance(leaf, RestoredLeaf):
            self._restore(place, leaf)
        else:
            self._add(place, leaf)
        self._follows = True

    def runs(self) -> AccountRuns:
        """What the leaves change."""
        return AccountRuns(
            self._id, self._revoked_after, tuple(run for _, run in sorted(self._runs.items())), self._head
        )

    def _add(self, place: int, leaf: RowLeaf) -> None:
        if self._follows and leaf.version != self._head.version + 1:
            raise LogConflictError(
                f"seal {self._header.seal} holds {self._id}/{leaf.version}, and the index ends at {self._head.version}"
            )
        run = self._open
        if run is None:
            run = Run(leaf.version, place, 0, self._header.seal, b"")
        self._open = Run(run.first_version, run.first_leaf, run.count + 1, run.seal, leaf.hash)
        self._runs[run.first_version] = self._open
        self._head = Head(leaf.version, place, leaf.hash, self._header.seal, self._head.restored)

    def _restore(self, place: int, leaf: RestoredLeaf) -> None:
        last = leaf.last_good_version
        self._open = None
        self._revoked_after = last if self._revoked_after is None else min(self._revoked_after, last)
        self._runs = {first: run for first, run in self._runs.items() if first <= last}
        head = self._head
        if (
            last == 0 or head.version == 0
        ):  # nothing stands; or a seal ended between a new account's restore and its rows
            head = Head(0, place, NOTHING, 0)
        elif head.version > last:
            head = self._cut(last)
        self._head = Head(head.version, head.leaf, head.hash, self._header.seal, leaf.generation)

    def _cut(self, last: int) -> Head:
        """The head as it is when what is beyond a version is revoked: the run that spans it ends there."""
        run = self._index.run_of(self._id, last)
        if run is None:
            raise LogConflictError(f"the index holds no leaf of {self._id}/{last}, beyond which a restore revokes")
        place = run.first_leaf + last - run.first_version
        found = row_leaf_at(self._reader, self._id, last, place, self._header.size)
        self._runs[run.first_version] = Run(
            run.first_version, run.first_leaf, last - run.first_version + 1, run.seal, found.hash
        )
        return Head(last, place, found.hash, self._header.seal)
