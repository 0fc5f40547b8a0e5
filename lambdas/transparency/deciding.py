"""Which leaves the next seals take: from what the lake holds, what restores revoked, and what stands in the log.

Pure, and in flat memory: rows come in order of accounts and versions, and leaves go out in that order. Of an account

- what comes after its head without a hole is new; what comes after a hole waits for what is missing;
- what stands in the log already must be the same there. Another hash is a fork: somebody rewrote history. The account
  is held. So it is from a new version on of which the lake holds two hashes;
- a restore that the log does not tell of yet becomes a leaf: after what stands, and before all later versions.
"""

from __future__ import annotations

import re
import sys
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import chain, groupby, islice
from typing import Final, NamedTuple, Protocol, cast

from msgspec import Struct

from lambdas.transparency.errors import TransparencyError
from lambdas.transparency.findings import Findings, Fork, Hole
from lambdas.transparency.index import PROGRESS_ACCOUNT, Head
from lambdas.transparency.leaves import Leaf, RestoredLeaf, RowLeaf

_CHUNK: Final = 1_000
_ACCOUNT_ID: Final = re.compile(r"[^/\s]+")
_HASH_SIZE: Final = 32
_SHOWN: Final = 44


class SealableRow(Struct, frozen=True, gc=False):
    """A content of an event in the lake: its row's hash (Base64), the day of its arrival, when it was recorded."""

    account_id: str
    version: int
    hash: str
    dt: str
    recorded_at: str


class Restore(Struct, frozen=True, gc=False):
    """A restore revoked the account's events beyond `last_good_version` that were recorded before `revoked_at`."""

    account_id: str
    generation: int
    last_good_version: int
    revoked_at: str

    def revokes(self, row: SealableRow) -> bool:
        """Whether an event of the account is revoked."""
        return row.version > self.last_good_version and row.recorded_at < self.revoked_at


class Standing(Protocol):
    """What stands in the log already. All methods raise LogUnavailableError and LogConflictError."""

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        """The heads of accounts; an account that the log does not know is left out."""
        ...

    def read_ahead(self, versions: Mapping[str, tuple[int, int]], heads: Mapping[str, Head]) -> None:
        """Read at once what `other_than` will be asked of: of each account from one version to another."""
        ...

    def other_than(self, leaf: RowLeaf, head: Head) -> bytes | None:
        """The hash that the log holds at the leaf's version, which is below the head's; None if it is the leaf's."""
        ...


def decide(
    rows: Iterable[SealableRow],
    restores: Iterable[Restore],
    standing: Standing,
    findings: Findings,
    *,
    goes_on: Callable[[], bool] = lambda: True,
) -> Iterator[Leaf]:
    """The leaves that are new, in order; what waits or forks is noted in the findings.

    Rows come in order of account, version and hash, restores in order of account and generation. Lazy: heads are read
    for the accounts of a thousand rows at a time. Before each account but the first it asks whether it `goes_on`: if
    not, it ends, and notes the account. Raises what `standing` raises, and TransparencyError if the rows are not in
    order.
    """
    items = _while(goes_on, _in_order(merge(restores, rows, key=_account_of)), findings)
    for account_id, group in groupby(_with_heads(items, standing), key=lambda pair: _account_of(pair[0])):
        yield from _of_account(account_id, group, standing, findings)


def _account_of(item: Restore | SealableRow) -> str:
    return item.account_id


def _in_order(items: Iterable[Restore | SealableRow]) -> Iterator[Restore | SealableRow]:
    """The items, as long as they come in order: a hole or a fork could not be told otherwise."""
    last = ("", 0, 0)
    for item in items:
        key = (item.account_id, *((0, item.generation) if isinstance(item, Restore) else (1, item.version)))
        if key < last:
            raise TransparencyError(f"the lake's rows are not in order: {key} comes after {last}")
        last = key
        yield item


def _while(
    goes_on: Callable[[], bool], items: Iterable[Restore | SealableRow], findings: Findings
) -> Iterator[Restore | SealableRow]:
    """The items up to the account before which it goes on no more: of an account all, or none."""
    before = ""
    for item in items:
        if before and item.account_id != before and not goes_on():
            findings.next_account = item.account_id
            return
        before = item.account_id
        yield item


def _with_heads(
    items: Iterable[Restore | SealableRow], standing: Standing
) -> Iterator[tuple[Restore | SealableRow, Head | None]]:
    items = iter(items)
    while chunk := list(islice(items, _CHUNK)):
        heads = standing.heads(list(dict.fromkeys(map(_account_of, chunk))))
        if old := _sealed(chunk, heads):
            standing.read_ahead(old, heads)
        for item in chunk:
            yield item, heads.get(item.account_id)


def _sealed(chunk: Iterable[Restore | SealableRow], heads: Mapping[str, Head]) -> dict[str, tuple[int, int]]:
    """Of each account the first and the last version that is below its head."""
    found: dict[str, tuple[int, int]] = {}
    for item in chunk:
        if isinstance(item, SealableRow) and (head := heads.get(item.account_id)) and item.version < head.version:
            first, _ = found.get(item.account_id, (item.version, 0))
            found[item.account_id] = (first, item.version)
    return found


def _of_account(
    account_id: str, pairs: Iterator[tuple[Restore | SealableRow, Head | None]], standing: Standing, findings: Findings
) -> Iterator[Leaf]:
    first, head = next(pairs)
    restores, rows = _apart(chain([first], (item for item, _ in pairs)))
    return _Account(account_id, head, restores, standing, findings).leaves(rows)


def _apart(items: Iterable[Restore | SealableRow]) -> tuple[list[Restore], Iterator[SealableRow]]:
    """The restores of an account, which come first, and its rows."""
    restores: list[Restore] = []
    items = iter(items)
    for item in items:
        if isinstance(item, SealableRow):
            return restores, cast("Iterator[SealableRow]", chain([item], items))
        restores.append(item)
    return restores, iter(())


class _Pending(NamedTuple):
    """A restore that the log does not tell of yet. Its leaf goes before all versions beyond `bound`: if a later restore
    went further back, then what that one left is all that stands."""

    restore: Restore
    bound: int


def _pending(restores: Iterable[Restore]) -> deque[_Pending]:
    found: deque[_Pending] = deque()
    for each in sorted(restores, key=lambda restore: restore.generation, reverse=True):
        found.appendleft(
            _Pending(each, min(each.last_good_version, found[0].bound if found else each.last_good_version))
        )
    return found


class _Account:
    """Goes through one account's rows. `_at` is its newest version in the log, as it will be with the leaves so far."""

    def __init__(
        self, account_id: str, head: Head | None, restores: Sequence[Restore], standing: Standing, findings: Findings
    ) -> None:
        self._id = account_id
        self._head = head or Head(0, 0, b"", 0)
        self._known = head is not None
        self._at = self._head.version
        self._restores = restores
        self._pending = _pending(each for each in restores if each.generation > self._head.restored)
        self._standing = standing
        self._findings = findings

    def leaves(self, rows: Iterator[SealableRow]) -> Iterator[Leaf]:
        """The account's new leaves."""
        kept = (row for row in rows if not any(restore.revokes(row) for restore in self._restores))
        versions = groupby(kept, key=lambda row: row.version)
        for version, group in versions:
            same = list(group)
            due = self._due(version)
            leaf = self._leaf(same)
            if self._known or leaf:
                yield from due
            if leaf is None:
                for row in chain(same, (each for _, more in versions for each in more)):
                    self._findings.waits(row.dt)
                return
            if version > self._at:
                yield leaf
                self._at, self._known = version, True
        yield from self._last()

    def _leaf(self, same: Sequence[SealableRow]) -> RowLeaf | None:
        """The leaf of a version, or None if it has to wait."""
        first = same[0]
        if first.version > self._at + 1:
            self._findings.hole(Hole(self._id, self._at + 1, first.recorded_at))
            return None
        leaf = _row_leaf(first)
        fork = _new_fork(same, leaf) if first.version > self._at else self._old_fork(same)
        if fork:
            self._findings.fork(fork)
            return None
        return leaf

    def _old_fork(self, same: Sequence[SealableRow]) -> Fork | None:
        for row in same:
            leaf = _row_leaf(row)
            if row.version == self._head.version:
                other = None if leaf.hash == self._head.hash else self._head.hash
            else:
                other = self._standing.other_than(leaf, self._head)
            if other is not None:
                return Fork(self._id, row.version, b64encode(other).decode(), row.hash[:_SHOWN])
        return None

    def _due(self, version: int) -> list[RestoredLeaf]:
        """The leaves of restores that stand before a version, as far as all that goes before them is in the log."""
        due: list[RestoredLeaf] = []
        while self._pending and self._pending[0].bound < version and self._pending[0].bound <= self._at:
            restore = self._pending.popleft().restore
            self._at = min(self._at, restore.last_good_version)
            due.append(RestoredLeaf(self._id, restore.generation, restore.last_good_version, restore.revoked_at))
        return due

    def _last(self) -> Iterator[Leaf]:
        """The leaves of restores after which the lake holds nothing yet."""
        if not self._known:
            return
        yield from self._due(sys.maxsize)
        if self._pending:
            self._findings.hole(Hole(self._id, self._at + 1, self._pending[0].restore.revoked_at))


def _new_fork(same: Sequence[SealableRow], leaf: RowLeaf) -> Fork | None:
    if len(same) > 1:
        return Fork(leaf.account_id, leaf.version, same[0].hash[:_SHOWN], same[1].hash[:_SHOWN])
    if not leaf.hash or not _ACCOUNT_ID.fullmatch(leaf.account_id) or leaf.account_id == PROGRESS_ACCOUNT:
        return Fork(leaf.account_id, leaf.version, "", same[0].hash[:_SHOWN])
    return None


def _row_leaf(row: SealableRow) -> RowLeaf:
    """The leaf of a row; its hash is empty if the lake's text is none."""
    try:
        found = b64decode(row.hash, validate=True)
    except (Base64Error, ValueError):
        found = b""
    usable = len(found) == _HASH_SIZE and b64encode(found).decode() == row.hash
    return RowLeaf(row.account_id, row.version, found if usable else b"")
