"""Folds the accounts of one segment of the event table anew, page by page, and compares each with its row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic

from lambdas.eventsourcing.table_walk import WalkedPage
from lambdas.projections.comparison.account_check import AccountCheck, Findings
from lambdas.projections.comparison.account_walk import AccountSet
from lambdas.projections.folding.taken import EventSource
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import ReadModel
from lambdas.projections.walked_events import WalkedEvent, events_by_account


class SegmentCheck(Generic[K]):
    """The check of one segment. An account begins with its row of version 1; the account of a page's last row may go on
    in the next page. What does not come so is read from the account's history: no order of rows is relied on.

    `findings` are what was found, `seen` the accounts of which the read model keeps something.
    """

    def __init__(
        self, projection: Projection[K], rows: ReadModel[K], events: EventSource, generation: int, settled: str
    ) -> None:
        self._projection = projection
        self._rows = rows
        self._events = events
        self._generation = generation
        self._settled = settled
        self._going_on: AccountCheck[K] | None = None
        self.findings = Findings()
        self.seen = AccountSet()

    def add(self, page: WalkedPage) -> None:
        """Take the next page. Raises ReadModelUnavailableError, ReadUnavailableError."""
        if not page.rows:
            return
        accounts = events_by_account(page.rows)
        checks = self._begun([each for each, events in accounts.items() if _begins(events)])
        if self._going_on is not None:
            checks[self._going_on.account_id] = self._going_on
        for account_id, check in checks.items():
            check.add(accounts.get(account_id, ()))
        self._going_on = checks.pop(page.rows[-1].stream_id, None)
        self._finish(checks.values())

    def finish(self) -> None:
        """There are no more pages. Raises ReadUnavailableError."""
        if self._going_on is not None:
            self._finish([self._going_on])

    def _begun(self, account_ids: list[str]) -> dict[str, AccountCheck[K]]:
        found = self._rows.rows(self._generation, account_ids)
        for account_id, row in found.items():
            if row.kept is not None:
                self.seen.add(account_id)
        return {each: AccountCheck(self._projection, each, found.get(each), self.findings) for each in account_ids}

    def _finish(self, checks: Iterable[AccountCheck[K]]) -> None:
        for check in checks:
            check.finish(self._events, self._settled)


def _begins(events: Iterable[WalkedEvent]) -> bool:
    return any(event.streamversion == 1 for event in events)
