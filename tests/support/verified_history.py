"""A long ledger whose chains hold, made as it is read, and a log of it in a folder: for memory and speed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lambdas.eventsourcing.chain import GENESIS
from lambdas.eventsourcing.dynamodb_items import Item
from lambdas.eventsourcing.item_walk import PAGE_ROWS, ItemPage
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import Page
from lambdas.eventsourcing.table_walk import WalkedPage
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.index import Head, Progress
from lambdas.transparency.leaves import RowLeaf, encode_leaf
from lambdas.transparency.log_store import CHECKPOINT, Stored
from lambdas.transparency.seal import SealHeader, checkpoint_name, encode_seal, seal_name
from lambdas.transparency.tree import Frontier
from lambdas.verification.lookup import FoundEvent, Place
from lambdas.verification.walking import Tables
from tests.support.event_rows import account_id, follow, row
from tests.support.log_signer import SeededSigner
from tests.support.long_history import OPENED, ROW_BYTES

ORIGIN = "daybook/test/000000000000/eu-central-1/0123456789abcdef"
SEAL_LEAVES = 10_000
"""Of a seal at most."""


class VerifiedHistory:
    """So many accounts with so many events each: a TableWalk in one segment, an EventStore, and an index of the log."""

    def __init__(self, accounts: int, events: int, *, page_rows: int = PAGE_ROWS) -> None:
        self.accounts, self.events, self._page_rows = accounts, events, page_rows
        self._last: tuple[int, int, bytes] = (0, 0, GENESIS)
        self.done: Progress | None = None

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page. Pages come in order."""
        start, last = int(after or "0"), self.accounts * self.events
        end = min(start + self._page_rows, last)
        rows = [self._row(place // self.events, place % self.events + 1) for place in range(start, end)]
        return WalkedPage(list(rows), str(end) if end < last else "", float(-(-len(rows) * ROW_BYTES // 4096)))

    def read(self, stream_id: str, **_: Any) -> Page:
        """See EventStore.read: nothing is read twice."""
        raise AssertionError(f"{stream_id} is read again")

    def rows(self, first: int, last: int) -> Iterator[EventRow]:
        """All rows of some accounts, by number."""
        for number in range(first, last):
            for version in range(1, self.events + 1):
                yield self._row(number, version)

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        """See LogIndex.heads: all is sealed by the first seals."""
        return {each: Head(self.events, 0, b"", 0) for each in account_ids}

    def progress(self) -> Progress | None:
        """See LogIndex.progress."""
        return self.done

    def _row(self, number: int, version: int) -> EventRow:
        account, previous = account_id(number), GENESIS
        if version > 1:
            assert self._last[:2] == (number, version - 1)
            previous = self._last[2]
        kind, data = ("AccountCreated", OPENED) if version == 1 else ("BalanceCredited", None)
        made = follow(previous, row(version, stream_id=account, kind=kind, data=data))
        self._last = number, version, made.hash
        return made

    def tables(self) -> Tables:
        """What a verification walks over; there are no receipts and no commands."""
        itself: Any = self
        return Tables(
            walk=itself, store=itself, receipts=_Nothing(), commands=_Nothing(), lookup=_Nowhere(), index=itself
        )


class _Nothing:
    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> ItemPage:
        return ItemPage([], "", 0.0)


class _Nowhere:
    def events(self, places: Iterable[Place]) -> Mapping[Place, FoundEvent]:
        return {}

    def command(self, account_id: str, command_id: str) -> Item | None:
        return None


class FolderLogStore:
    """A LogStore of files: what it holds is in nobody's memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Stored | None:
        """See LogStore.get."""
        file = self._file(name)
        return Stored(file.read_bytes(), name) if file.exists() else None

    def add(self, name: str, content: bytes, content_type: str) -> bool:
        """See LogStore.add."""
        file = self._file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return True

    def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
        """See LogStore.replace."""
        return self.add(name, content, content_type)

    def names(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """See LogStore.names."""
        names = sorted(f"{prefix}{each.name}" for each in (self._folder / prefix).glob("*"))
        return iter([name for name in names if name > after])

    def _file(self, name: str) -> Path:
        """A partial tile is a folder's name in C2SP's form, and its full one a file's: so each has an ending."""
        return self._folder / name if "tile/" not in name else self._folder / f"{name}.tile"


def seal_history(history: VerifiedHistory, store: FolderLogStore) -> SeededSigner:
    """Put all of the history into a log."""
    frontier, signer = Frontier(), SeededSigner()
    of_a_seal = max(1, SEAL_LEAVES // history.events)
    for number, first in enumerate(range(0, history.accounts, of_a_seal)):
        last = min(first + of_a_seal, history.accounts)
        leaves = [encode_leaf(RowLeaf(each.stream_id, each.version, each.hash)) for each in history.rows(first, last)]
        header = SealHeader(number, frontier.size, len(leaves), ORIGIN, "2026-03-03T12:00:00.000Z", "0000", "0000", "")
        store.add(seal_name(number), encode_seal(header, b"".join(each + b"\n" for each in leaves)), "")
        for write in (*frontier.append(leaves), *frontier.partials()):
            store.add(write.name, write.content, "")
        signed = Checkpoint(ORIGIN, frontier.size, frontier.root()).signed(signer)
        store.add(checkpoint_name(number), signed, "")
        store.add(CHECKPOINT, signed, "")
        history.done = Progress(number, frontier.size)
    return signer
