"""A ledger of any size that is made as it is read: only the reader's own memory counts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.eventsourcing.item_walk import PAGE_ROWS
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.table_walk import WalkedPage
from lambdas.projections.folding.gate import moved
from lambdas.projections.projection import AnyProjection
from lambdas.projections.read_model import AccountRow, Gate, Units
from tests.support.event_rows import account_id, row

OPENED = '{"currency":"EUR","overdraft_limit":0}'
ROW_BYTES = 470
"""About what such a row has in the event table."""


class LongHistory:
    """So many accounts with so many events each: a TableWalk, an EventSource and an AccountWalk, in one segment."""

    def __init__(self, accounts: int, events: int, *, page_rows: int = PAGE_ROWS) -> None:
        self._accounts, self._events, self._page_rows = accounts, events, page_rows

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page."""
        start, last = int(after or "0"), self._accounts * self._events
        end = min(start + self._page_rows, last)
        rows = [self._row(place // self._events, place % self._events + 1) for place in range(start, end)]
        return WalkedPage(list(rows), str(end) if end < last else "", float(-(-len(rows) * ROW_BYTES // 4096)))

    def read(self, of: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """See EventSource.read."""
        number = int(of[-12:], 16)
        for version in range(after + 1, min(self._events, up_to or self._events) + 1):
            yield domain_event(self._row(number, version))

    def pages(self, generation: int, segment: int, segments: int) -> Iterator[list[str]]:
        """See AccountWalk.pages."""
        if segment == 0:
            for start in range(0, self._accounts, 1000):
                yield [account_id(number) for number in range(start, min(start + 1000, self._accounts))]

    def _row(self, number: int, version: int) -> EventRow:
        account = account_id(number)
        made = (
            row(1, stream_id=account, kind="AccountCreated", data=OPENED)
            if version == 1
            else row(version, stream_id=account)
        )
        return replace(made, hash=_hash(account, version))


class FoldedHistory:
    """The read model of a long history of equal accounts, made as it is asked for: for comparisons."""

    units = Units()

    def __init__(self, projection: AnyProjection, history: LongHistory, accounts: int) -> None:
        self._kept: Any = None
        self._gate = Gate()
        shared: dict[str, dict[str, int]] = {}
        for event in history.read(account_id(0)):
            folded = projection.fold(self._kept, event)
            self._kept, self._gate = folded.kept, moved(self._gate, event, added=bool(folded.additions))
            for key, measures in folded.additions.items():
                into = shared.setdefault(key, {})
                for measure, amount in measures.items():
                    into[measure] = into.get(measure, 0) + amount
        self._shared = {key: {name: amount * accounts for name, amount in each.items()} for key, each in shared.items()}

    def rows(self, generation: int, account_ids: Iterable[str]) -> dict[str, AccountRow[Any]]:
        """See ReadModel.rows."""
        return {each: AccountRow(each, self._gate_of(each), self._kept) for each in account_ids}

    def shared_rows(self, generation: int, first: str, last: str) -> Mapping[str, Mapping[str, int]]:
        """See ReadModel.shared_rows."""
        return self._shared

    def _gate_of(self, account: str) -> Gate:
        gate = self._gate
        return Gate(gate.version, b64encode(_hash(account, gate.version)).decode(), gate.recordedtime)


def _hash(account: str, version: int) -> bytes:
    return sha256(f"{account}/{version}".encode()).digest()
