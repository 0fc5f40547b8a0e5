"""Makes domain events of the rows that a walk over the event table hands out."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, TypeAlias

from lambdas.contracts.domain_events import AccountDomainEvent, NotPublishableError, domain_event
from lambdas.eventsourcing.table_walk import CorruptRow, WalkedRow
from lambdas.projections.folding.taken import UnreadableEvent

NO_TIME: Final = "9999-12-31T23:59:59.999Z"
"""The booking time of a row that has none which can be read: no restore has revoked it, and it is not of an earlier
history than what was folded. It cannot be read, and that is what stops its account."""

WalkedEvent: TypeAlias = AccountDomainEvent | UnreadableEvent


def walked_event(row: WalkedRow) -> WalkedEvent:
    """The event of a row, which equals the published one; UnreadableEvent if it can not be published."""
    if isinstance(row, CorruptRow):
        return UnreadableEvent(row.stream_id, row.version, row.hash, row.recorded_at or NO_TIME, row.reason)
    try:
        return domain_event(row)
    except NotPublishableError as error:
        row_hash = b64encode(row.hash).decode()
        return UnreadableEvent(row.stream_id, row.version, row_hash, row.recorded_at, str(error))


def events_by_account(rows: Iterable[WalkedRow]) -> dict[str, list[WalkedEvent]]:
    """The events of each account among the rows, by version; accounts in the order in which they first appear."""
    accounts: defaultdict[str, list[WalkedEvent]] = defaultdict(list)
    for row in rows:
        accounts[row.stream_id].append(walked_event(row))
    for events in accounts.values():
        events.sort(key=lambda event: event.streamversion)
    return dict(accounts)
