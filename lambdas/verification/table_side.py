"""The sides that stand in tables: events, and what receipts and commands point at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from lambdas.contracts.domain_events import NotPublishableError
from lambdas.eventsourcing.item_walk import ItemWalk
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.segment_fold import PATIENCE_SECONDS, fold_walk
from lambdas.eventsourcing.table_walk import WalkedPage
from lambdas.verification.account_check import rows_of
from lambdas.verification.drilling import Texts
from lambdas.verification.heads import NOTHING, Heads
from lambdas.verification.pointing import Pointer, PointerCheck
from lambdas.verification.results import SegmentResult, Terms
from lambdas.verification.row_digests import LOG, RowDigests
from lambdas.verification.sums import MODULUS, bucket_of, number_of
from lambdas.verification.walking import Tables


class TableSide:
    """The event table, in one comparison. It is walked anew, as the first time in segments."""

    def __init__(self, name: str, tables: Tables, terms: Terms, *, segments: int) -> None:
        self._name = name
        self._tables = tables
        self._terms = terms
        self._segments = segments
        self._digests = RowDigests(terms)
        self._heads = Heads(tables.index, terms.log) if name == LOG and tables.index and terms.log else None
        self._sealed: dict[str, int] = {}

    def accounts(self, buckets: frozenset[int]) -> Mapping[str, int]:
        """See Side.accounts. Raises ReadUnavailableError, TransparencyError."""

        def fold(pages: Iterator[WalkedPage]) -> dict[str, int]:
            sums: dict[str, int] = defaultdict(int)
            for page in pages:
                for row in page.rows:
                    if isinstance(row, EventRow) and bucket_of(row.stream_id) in buckets:
                        text = self._text(row)
                        if text is not None:
                            sums[row.stream_id] = (sums[row.stream_id] + number_of(self._terms.salt, text)) % MODULUS
            return sums

        found: dict[str, int] = {}
        for part in fold_walk(self._tables.walk, fold, segments=self._segments):
            found |= part
        return found

    def events(self, account_ids: Sequence[str]) -> Texts:
        """See Side.events. Raises ReadUnavailableError, TransparencyError."""
        return {each: self._history(each) for each in account_ids}

    def _history(self, account_id: str) -> dict[int, list[str]]:
        tables, found = self._tables, {}
        for row in rows_of(tables.store, account_id, new_deadline=tables.new_deadline, backoff=tables.backoff):
            text = self._text(row) if isinstance(row, EventRow) else None
            if text is not None:
                found[row.version] = [text]
        return found

    def _text(self, row: EventRow) -> str | None:
        if row.version < 1:
            return None
        try:
            return self._digests.of(row, self._up_to(row.stream_id)).get(self._name)
        except NotPublishableError:
            return None

    def _up_to(self, account_id: str) -> int:
        if self._heads is None:
            return 0
        if account_id not in self._sealed:
            self._sealed[account_id] = self._heads.read([account_id]).get(account_id, NOTHING).version
        return self._sealed[account_id]


class PointerSide:
    """Receipts or commands. Their table is walked anew."""

    def __init__(self, walk: ItemWalk, check: PointerCheck, terms: Terms, *, segments: int) -> None:
        self._walk = walk
        self._check = check
        self._terms = terms
        self._segments = segments

    def accounts(self, buckets: frozenset[int]) -> Mapping[str, int]:
        """See Side.accounts. Raises ReadUnavailableError."""
        found: dict[str, int] = defaultdict(int)
        for each in self._pointers():
            if bucket_of(each.account_id) in buckets:
                found[each.account_id] = (found[each.account_id] + number_of(self._terms.salt, each.text)) % MODULUS
        return found

    def events(self, account_ids: Sequence[str]) -> Texts:
        """See Side.events. Raises ReadUnavailableError."""
        wanted = set(account_ids)
        found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for each in self._pointers():
            if each.account_id in wanted:
                found[each.account_id][each.version].append(each.text)
        return found

    def _pointers(self) -> Iterator[Pointer]:
        for segment in range(self._segments):
            after = ""
            while True:
                page = self._walk.page(segment, self._segments, after, Deadline(PATIENCE_SECONDS))
                yield from self._check.check(page.items, SegmentResult())[0]
                after = page.after
                if not after:
                    break
