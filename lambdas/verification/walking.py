"""Goes through one segment of the ledger's tables, page by page: events first, then receipts, then commands.

After any page the progress can be kept, and somebody else can go on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.item_walk import ItemWalk
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.table_walk import CorruptRow, TableWalk, WalkedRow
from lambdas.transparency.errors import TransparencyError
from lambdas.transparency.index import LogIndex
from lambdas.verification.account_check import AccountCheck, Bad, rows_of
from lambdas.verification.findings import Finding
from lambdas.verification.heads import NOTHING, Heads, SealedUpTo
from lambdas.verification.lookup import Lookup
from lambdas.verification.pointing import CommandCheck, PointerCheck, ReceiptCheck
from lambdas.verification.results import Phase, Progress, Terms
from lambdas.verification.row_digests import COMMANDS, RECEIPTS, RowDigests
from lambdas.verification.sums import Sums, number_of

NEXT: Final[Mapping[Phase, Phase]] = {"events": "receipts", "receipts": "commands", "commands": "done"}


class Tables(Struct, frozen=True, kw_only=True):
    """The ledger's tables, and the index of the log; None: the log is not compared."""

    walk: TableWalk
    store: EventStore
    receipts: ItemWalk
    commands: ItemWalk
    lookup: Lookup
    index: LogIndex | None = None
    new_deadline: Callable[[], Deadline] = Deadline
    backoff: Backoff = Backoff()


class SegmentWalker:
    """Goes on with one segment. After each page `progress` is up to date and can be kept.

    After an error it is not, and the walker is of no use any more: go on with what was kept before.
    """

    def __init__(self, tables: Tables, terms: Terms, progress: Progress) -> None:
        self.progress = progress
        self._result = progress.result
        self._tables = tables
        self._terms = terms
        self._digests = RowDigests(terms)
        self._heads = Heads(tables.index, terms.log) if tables.index is not None and terms.log is not None else None
        self._pointing: Mapping[str, tuple[ItemWalk, str, PointerCheck]] = {
            "receipts": (tables.receipts, RECEIPTS, ReceiptCheck(tables.lookup, terms)),
            "commands": (tables.commands, COMMANDS, CommandCheck(tables.lookup, terms)),
        }
        self._passing: AccountCheck | None = None
        self._corrupt: CorruptRow | None = None
        self._apart = ""

    def page(self, deadline: Deadline) -> int:
        """Check the next page; gives its number of rows. Raises ReadUnavailableError."""
        if self.progress.done:
            return 0
        return self._event_page(deadline) if self.progress.phase == "events" else self._pointer_page(deadline)

    def _event_page(self, deadline: Deadline) -> int:
        progress = self.progress
        page = self._tables.walk.page(progress.segment, progress.segments, progress.after, deadline)
        if progress.open_account and self._passing is None:
            self._apart = progress.open_account
            self._whole(self._apart, None)
        sealed = self._sealed([row.stream_id for row in page.rows if row.version == 1])
        for row in page.rows:
            self._take(row, sealed)
        if not page.after:
            self._end()
        progress.open_account = self._passing.account_id if self._passing else ""
        self._go_on(page.after, len(page.rows), page.read_units)
        return len(page.rows)

    def _take(self, row: WalkedRow, sealed: Mapping[str, SealedUpTo]) -> None:
        if row.version < 1:
            self._result.findings.tell(Finding("history", row.stream_id, row.version, "versions begin at 1"))
        elif self._passing is not None and row.stream_id == self._passing.account_id:
            self._pass(row, self._passing)
        elif row.version == 1:
            self._end()
            self._passing = self._check(row.stream_id, sealed)
            self._pass(row, self._passing)
        elif row.stream_id != self._apart:
            self._apart = row.stream_id
            self._stray(row)

    def _pass(self, row: WalkedRow, check: AccountCheck) -> None:
        if isinstance(row, CorruptRow) and self._corrupt is None:
            self._corrupt = row
        check.take(row)

    def _end(self) -> None:
        """No more rows of the account pass. What looks bad is read again: a Scan is not isolated from a transaction."""
        check, corrupt = self._passing, self._corrupt
        self._passing = self._corrupt = None
        if check is None:
            return
        if check.bad is None:
            check.finish(self._result)
        else:
            self._whole(check.account_id, corrupt)

    def _stray(self, row: WalkedRow) -> None:
        """A row beside which the account's first one did not come: if there is none, it is missing.

        An account without its first row is told once, by its lowest one.
        """
        store, deadline = self._tables.store, self._tables.new_deadline()
        try:
            found = store.read(row.stream_id, after=0, up_to=row.version, limit=1, deadline=deadline).rows
            lowest = found[0].version if found else row.version
        except CorruptRowError as error:
            lowest = error.version
        if lowest >= row.version:
            self._whole(row.stream_id, row if isinstance(row, CorruptRow) else None)

    def _whole(self, account_id: str, corrupt: CorruptRow | None) -> None:
        """Check an account by its history. A row that is `corrupt` stays so, also if no range of versions holds it."""
        check = self._check(account_id, self._sealed([account_id]))
        tables = self._tables
        for row in rows_of(tables.store, account_id, new_deadline=tables.new_deadline, backoff=tables.backoff):
            check.take(row)
        if corrupt is not None and check.bad is None:
            check.bad = Bad(corrupt.version, corrupt.reason)
        check.finish(self._result)

    def _check(self, account_id: str, sealed: Mapping[str, SealedUpTo]) -> AccountCheck:
        up_to = None if self._heads is None else sealed.get(account_id, NOTHING)
        if up_to is not None and up_to.restored:
            self._result.restored[account_id] = up_to.restored
        return AccountCheck(account_id, self._digests, self._terms, up_to)

    def _sealed(self, account_ids: Iterable[str]) -> Mapping[str, SealedUpTo]:
        """Up to where the log holds accounts. If the index does not answer, the log is not compared any more."""
        if self._heads is None:
            return {}
        try:
            return self._heads.read(list(dict.fromkeys(account_ids)))
        except TransparencyError as error:
            self._result.unchecked["log"] = f"the index of the log cannot be read: {error}"
            self._heads = None
            return {}

    def _pointer_page(self, deadline: Deadline) -> int:
        progress, result = self.progress, self._result
        walk, name, check = self._pointing[progress.phase]
        page = walk.page(progress.segment, progress.segments, progress.after, deadline)
        pointers, findings = check.check(page.items, result)
        sums = result.other.setdefault(name, Sums())
        for each in pointers:
            sums.add(each.account_id, number_of(self._terms.salt, each.text))
        for finding in findings:
            result.findings.tell(finding)
        self._go_on(page.after, len(page.items), page.read_units)
        return len(page.items)

    def _go_on(self, after: str, rows: int, read_units: float) -> None:
        self._result.rows += rows
        self._result.read_units += read_units
        self.progress.after = after
        if not after:
            self.progress.phase = NEXT[self.progress.phase]
