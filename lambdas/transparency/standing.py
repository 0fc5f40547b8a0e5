"""What stands in the log of accounts: heads from the index, hashes from the tiles."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lambdas.eventsourcing.table_requests import in_parallel
from lambdas.transparency.errors import LogConflictError, LogUnavailableError
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.index import Head, LogIndex, Progress, Run
from lambdas.transparency.leaves import RowLeaf, decode_leaf, encode_leaf
from lambdas.transparency.tile_reader import KEPT, TileReader
from lambdas.transparency.tiles import WIDTH, tile_at


class LogStanding:
    """See deciding.Standing. It keeps the runs of one account at a time: accounts are asked for one after the
    other, and versions in order."""

    def __init__(self, index: LogIndex, reader: TileReader, done: Progress | None) -> None:
        """`done` is how far the log was when somebody began to look: the reader reads of its size."""
        self._index = index
        self._reader = reader
        self._done = done
        self._size = done.size if done else 0
        self._account_id = ""
        self._runs: deque[Run] = deque()
        self._ahead: dict[str, Sequence[Run]] = {}

    def read_ahead(self, versions: Mapping[str, tuple[int, int]], heads: Mapping[str, Head]) -> None:
        """See Standing.read_ahead."""
        asked = {account_id: first for account_id, (first, _) in versions.items() if account_id != self._account_id}
        found = in_parallel(
            lambda each: self._index.runs(each[0], first=each[1], last=heads[each[0]].version), list(asked.items())
        )
        self._ahead = dict(zip(asked, found, strict=True))
        known = {**self._ahead, **({self._account_id: self._runs} if self._account_id in versions else {})}
        tiles = {
            tile_at(0, place // WIDTH, self._size)
            for account_id, runs in known.items()
            for place in _places(runs, *versions[account_id])
            if place < self._size
        }
        in_parallel(self._reader.tile, list(tiles)[:KEPT])

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        """See Standing.heads. The index may be forgotten at any moment, the progress first: heads that are missing then
        would be new accounts, and what is sealed would be sealed again."""
        self._check_index()
        heads = self._index.heads(account_ids)
        self._check_index()
        return heads

    def _check_index(self) -> None:
        now = self._index.progress()
        if self._done and (now is None or now.seal < self._done.seal):
            raise LogUnavailableError("the index of the log is being made again")

    def other_than(self, leaf: RowLeaf, head: Head) -> bytes | None:
        """See Standing.other_than."""
        place = self._place(leaf, head)
        if place < self._size:
            (hashed,) = self._reader.hashes(0, place, place + 1, self._size)
            if hashed == leaf_hash(encode_leaf(leaf)):
                return None
        found = row_leaf_at(self._reader, leaf.account_id, leaf.version, place, self._size)
        if found == leaf:
            raise LogConflictError(f"the entry of leaf {place} is not the one whose hash the tile of level 0 holds")
        return found.hash

    def _place(self, leaf: RowLeaf, head: Head) -> int:
        if leaf.account_id != self._account_id:
            runs = self._ahead.get(leaf.account_id)
            if runs is None:
                runs = self._index.runs(leaf.account_id, first=leaf.version, last=head.version)
            self._runs = deque(runs)
            self._account_id = leaf.account_id
        while self._runs and self._runs[0].first_version + self._runs[0].count <= leaf.version:
            self._runs.popleft()
        if self._runs and self._runs[0].first_version <= leaf.version:
            return self._runs[0].first_leaf + leaf.version - self._runs[0].first_version
        raise LogConflictError(
            f"the index lacks {leaf.account_id}/{leaf.version}, and says that {head.version} is sealed: rebuild it"
        )


def _places(runs: Iterable[Run], first: int, last: int) -> Iterator[int]:
    """One place in each tile of level 0 in which versions of an account stand, and the last of each run."""
    for run in runs:
        begin = run.first_leaf + max(first - run.first_version, 0)
        end = run.first_leaf + min(last - run.first_version, run.count - 1)
        yield from range(begin, end + 1, WIDTH)
        if begin <= end:
            yield end


def row_leaf_at(reader: TileReader, account_id: str, version: int, place: int, size: int) -> RowLeaf:
    """The leaf of an account's version, which stands at a place. Raises LogConflictError if another one does."""
    found = decode_leaf(reader.entry(place, size)) if place < size else None
    if isinstance(found, RowLeaf) and (found.account_id, found.version) == (account_id, version):
        return found
    raise LogConflictError(f"the index says that {account_id}/{version} is leaf {place}, and there stands {found}")
