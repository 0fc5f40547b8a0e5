"""Reads spans of accounts' events to their end, and names each row that is missing or not to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from lambdas.contracts.domain_events import AccountDomainEvent, NotPublishableError, domain_event
from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.row_reader import RowReader
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore

_NOT_FOLLOWING: Final = "{}/{}: its hash does not follow from version {}; `daybook verify` checks the whole account"


class Span(msgspec.Struct, frozen=True):
    """Events of an account: after < streamversion ≤ up_to; None is the newest."""

    account_id: str
    after: int = 0
    up_to: int | None = None


class Recorded:
    """The rows of a store as domain events."""

    def __init__(self, store: EventStore, *, backoff: Backoff | None = None) -> None:
        self._store = store
        self._rows = RowReader(store, backoff=backoff)

    def events(self, span: Span, problems: list[str], *, unverified: bool = False) -> Iterator[AccountDomainEvent]:
        """The events of a span, in order. A row that is no event, and rows that are missing, go to `problems`.

        So does a row whose hash does not follow from the row before it, unless `unverified`. Raises what the store
        raises when it does not answer.
        """
        after, before = span.after, None if unverified else self._row(span.account_id, span.after)
        while span.up_to is None or after < span.up_to:
            try:
                for row in self._rows.read(span.account_id, after=after, up_to=span.up_to):
                    if unverified or _follows(before, row, problems):
                        yield from _event(row, problems)
                    after, before = row.version, row
            except CorruptRowError as error:
                problems.append(str(error))
                after, before = after + 1, None
            except InconsistentReadError as error:
                problems.append(str(error))
                following = self._following(span, error.version)
                if following is None:
                    return
                if following > error.version + 1:
                    problems[-1] += f", nor at any up to {following - 1}"
                after, before = following - 1, None
            else:
                if span.up_to is None and after == span.after:
                    problems.append(f"account {span.account_id} has no event after version {after}")
                return

    def _row(self, account_id: str, version: int) -> EventRow | None:
        """One row, to check the next one against; None if there is none that can be read."""
        if version < 1:
            return None
        try:
            page = self._store.read(account_id, after=version - 1, up_to=version, limit=1, deadline=Deadline())
        except CorruptRowError:
            return None
        return page.rows[0] if page.rows else None

    def _following(self, span: Span, after: int) -> int | None:
        """The version of the first row of a span after one that is missing."""
        try:
            page = self._store.read(span.account_id, after=after, up_to=span.up_to, limit=1, deadline=Deadline())
        except CorruptRowError as error:
            return error.version
        return page.rows[0].version if page.rows else None


def _follows(before: EventRow | None, row: EventRow, problems: list[str]) -> bool:
    """Whether the hash of a row follows from the row before it, or that one is not there to tell."""
    previous = GENESIS if row.version == 1 else None if before is None else before.hash
    if previous is None or row_hash(previous, row) == row.hash:
        return True
    problems.append(_NOT_FOLLOWING.format(row.stream_id, row.version, row.version - 1))
    return False


def _event(row: EventRow, problems: list[str]) -> Iterator[AccountDomainEvent]:
    try:
        yield domain_event(row)
    except NotPublishableError as error:
        problems.append(str(error))
