"""Checks one account while its rows pass: its chain, and what its rows stand for in the comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.contracts.domain_events import NotPublishableError
from lambdas.eventsourcing.errors import ChainBrokenError, CorruptRowError
from lambdas.eventsourcing.reader import MAX_READS_ON_HOLE
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.table_walk import CorruptRow, WalkedRow
from lambdas.eventsourcing.verifier import StreamChain
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.verification.findings import Finding
from lambdas.verification.heads import SealedUpTo
from lambdas.verification.results import SegmentResult, Terms
from lambdas.verification.row_digests import RowDigests
from lambdas.verification.sums import MODULUS, Sums, number_of

PAGE_ROWS = 1000
LAST_VERSION = 1 << 62
"""Beyond all versions: a range that ends here leaves out what stands below version 1."""


class Bad(Struct, frozen=True):
    """The first bad version of an account, and what is wrong with it."""

    version: int
    reason: str


class AccountCheck:
    """One account, whose rows come in order of their versions, from the first one on.

    `bad` is the first version that breaks the chain; the rows after it count in the comparisons all the same.
    """

    def __init__(self, account_id: str, digests: RowDigests, terms: Terms, sealed: SealedUpTo | None) -> None:
        """Without `sealed` the account is not compared with the log."""
        self.account_id = account_id
        self.bad: Bad | None = None
        self._chain: StreamChain[Account, AccountEvent] = StreamChain(account_id, ACCOUNT_DECIDER)
        self._digests = digests
        self._terms = terms
        self._sealed = sealed
        self._rows = 0
        self._unsealed = 0
        self._sums: dict[str, tuple[int, int]] = {}
        self._log_findings: list[Finding] = []

    def take(self, row: WalkedRow) -> None:
        """The next row."""
        self._rows += 1
        version = self._chain.version + 1
        if isinstance(row, CorruptRow):
            self._break(min(row.version, version), row.reason if row.version <= version else _MISSING)
            return
        if row.version != version:
            self._break(min(row.version, version), _MISSING)
        elif self.bad is None:
            try:
                self._chain.take(row)
            except ChainBrokenError as error:
                self._break(error.version, error.reason)
        if row.recorded_at >= self._terms.latest:
            self._break(row.version, f"it was recorded at {row.recorded_at}, which is yet to come")
        self._count(row)

    def _break(self, version: int, reason: str) -> None:
        if self.bad is None:
            self.bad = Bad(version, reason)

    def _count(self, row: EventRow) -> None:
        try:
            texts = self._digests.of(row, self._sealed.version if self._sealed else 0)
        except NotPublishableError as error:
            self._break(row.version, f"it cannot be published: {error}")
            return
        for name, text in texts.items():
            events, number = self._sums.get(name, (0, 0))
            self._sums[name] = (events + 1, (number + number_of(self._terms.salt, text)) % MODULUS)
        if self._terms.log is not None and self._sealed is not None:
            self._compare_with_head(row, self._sealed, self._terms.log.expected_before)

    def _compare_with_head(self, row: EventRow, sealed: SealedUpTo, expected_before: str) -> None:
        if row.version > sealed.version:
            self._unsealed += 1
            if row.recorded_at < expected_before:
                self._tell(row.version, f"it was recorded at {row.recorded_at} and is not in the log")
        elif row.version == sealed.version and sealed.hash and row.hash != sealed.hash:
            self._tell(row.version, "the index of the log has another hash for it than its row")

    def _tell(self, version: int, text: str) -> None:
        if not self._log_findings:
            self._log_findings.append(Finding("log", self.account_id, version, text))

    def finish(self, result: SegmentResult) -> None:
        """All rows have come: add what was seen to the result."""
        result.accounts += 1
        result.events += self._rows
        result.snapshots += self._chain.snapshots
        result.unsealed += self._unsealed
        for name, (events, number) in self._sums.items():
            result.table.setdefault(name, Sums()).add(self.account_id, number, events)
        if self.bad is not None:
            result.findings.tell(Finding("history", self.account_id, self.bad.version, self.bad.reason))
        for each in self._log_findings:
            result.findings.tell(each)


_MISSING = "the row is missing, or out of place"


def rows_of(
    store: EventStore, account_id: str, *, new_deadline: Callable[[], Deadline], backoff: Backoff
) -> Iterator[WalkedRow]:
    """All rows of an account from version 1 on, whatever stands in them. Raises ReadUnavailableError.

    A page beside a transaction under way may lack some of its rows: before a hole it is read again.
    """
    after, up_to, reads = 0, LAST_VERSION, 0
    corrupt: CorruptRow | None = None
    while True:
        try:
            page = store.read(account_id, after=after, up_to=up_to, limit=PAGE_ROWS, deadline=new_deadline())
        except CorruptRowError as error:
            corrupt, up_to = CorruptRow(account_id, error.version, error.reason), error.version - 1
            continue
        hole = next((at for at, row in enumerate(page.rows) if row.version != after + 1 + at), None)
        if hole is not None and reads < MAX_READS_ON_HOLE:
            reads += 1
            backoff.pause(reads)
            continue
        yield from page.rows
        if page.rows and page.more:
            after, reads = page.rows[-1].version, 0
        elif corrupt is not None:
            yield corrupt
            after, up_to, reads, corrupt = max(corrupt.version, after + 1), LAST_VERSION, 0, None
        else:
            return
