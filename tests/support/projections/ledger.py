"""A ledger for projections: histories of accounts, as the event table has them and as they were published."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.contracts.domain_events import AccountDomainEvent, DomainEvent, NotPublishableError
from lambdas.contracts.ledger_events import RestoredEvent, restored_event
from lambdas.eventsourcing.errors import InconsistentReadError
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.projections.folding.taken import Delivered, UnreadableEvent
from tests.support.clocks import START
from tests.support.event_rows import account_id

GENESIS = ""
OTHER = account_id(999)
"""The other side of every transfer."""


def event_at(
    account: str, version: int, data: AccountEvent, *, before: str = GENESIS, at: datetime = START
) -> AccountDomainEvent:
    """A domain event; its hash stands for it and all before it."""
    moment, name = format_timestamp(at), type(data).__name__
    content = f"{before}/{account}/{version}/{moment}/{data}".encode()
    return DomainEvent(
        specversion="1.0",
        id=f"{account}/{version}",
        source="/daybook/accounts",
        type=f"daybook.account.{name}.v1",
        subject=account,
        time=moment,
        dataschema=f"urn:daybook:schema:account:{name}:1",
        datacontenttype="application/json",
        streamversion=version,
        recordedtime=moment,
        rowhash=b64encode(sha256(content).digest()).decode(),
        correlationid="request",
        causationid="command",
        data=data,
    )


def some_data(rng: random.Random, version: int, currency: str) -> AccountEvent:
    """What may happen: first an opening, then anything."""
    amount = rng.randint(1, 1000)
    if version == 1:
        return AccountCreated(currency=currency, overdraft_limit=rng.choice((0, 500)))
    if rng.random() < 0.05:
        return AccountClosed(currency=currency)
    kind = rng.choice((BalanceCredited, BalanceWithdrawn, TransferReceived, TransferSent))
    transfer = f"00000000-0000-4000-9000-{amount:012x}"
    if kind is TransferSent:
        return TransferSent(transfer_id=transfer, to_account_id=OTHER, amount=amount, currency=currency)
    if kind is TransferReceived:
        return TransferReceived(transfer_id=transfer, from_account_id=OTHER, amount=amount, currency=currency)
    return (BalanceWithdrawn if kind is BalanceWithdrawn else BalanceCredited)(amount=amount, currency=currency)


class Ledger:
    """The event table. `table` is what it holds now, `prefixes` every history there ever was, by its last hash."""

    def __init__(self, rng: random.Random, *, currencies: Sequence[str] = ("EUR", "JPY", "XTS")) -> None:
        self._rng = rng
        self._currencies = currencies
        self._now = START
        self._restores = 1
        self.tables = 0
        """How often the table was replaced by one that a restore has made."""
        self.table: dict[str, list[AccountDomainEvent]] = {}
        self.prefixes: dict[tuple[str, str], tuple[AccountDomainEvent, ...]] = {}
        self.unreadable: set[str] = set()
        """Ids of events that this release does not know."""
        self.restoring: dict[str, int] = {}
        """Accounts whose restore is not announced yet, and their last good version: nothing is recorded for them."""

    def append(self, account: str) -> AccountDomainEvent:
        """Record one more event; now and then it is another day."""
        rows = self.table.setdefault(account, [])
        currency = rows[0].data.currency if rows else self._rng.choice(self._currencies)
        self._pass(self._rng.choice((0, 1, 1000, 40_000_000)))
        data = some_data(self._rng, len(rows) + 1, currency)
        event = event_at(account, len(rows) + 1, data, before=rows[-1].rowhash if rows else GENESIS, at=self._now)
        rows.append(event)
        self.prefixes[account, event.rowhash] = tuple(rows)
        return event

    def restore(self, account: str, last_good_version: int) -> None:
        """The table is as it was at that version: it is another table."""
        self._pass(1)
        self.tables += 1
        self.restoring[account] = min(last_good_version, self.restoring.get(account, last_good_version))
        del self.table[account][last_good_version:]

    def announce(self, account: str) -> RestoredEvent:
        """Tell the consumers of the account's restore."""
        self._pass(1)
        self._restores += 1
        return restored_event(
            account,
            last_good_version=self.restoring.pop(account),
            restored_to=self._now,
            generation=self._restores,
            announced=self._now,
        )

    def published(self, event: AccountDomainEvent) -> Delivered:
        """What a projector of this release is handed of an event."""
        if event.id not in self.unreadable:
            return event
        return UnreadableEvent(event.subject, event.streamversion, event.rowhash, event.recordedtime, "not known")

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """See EventSource.read."""
        rows = self.table.get(account_id, [])
        for event in rows[after:up_to]:
            if event.id in self.unreadable:
                raise NotPublishableError(f"{event.id}: not known")
            yield event
        if up_to is not None and len(rows) < up_to:
            raise InconsistentReadError(account_id, max(after, len(rows)) + 1)

    def page(self, segment: int, segments: int, after: str, limit: int) -> tuple[list[Delivered], str]:
        """A page of a parallel scan in the order of keys, and the key of its last row; an empty one at the end."""
        last = tuple(json.loads(after)) if after else ("", 0)
        accounts = [each for each in sorted(self.table) if int(each[-2:], 16) % segments == segment]
        keys = [(each, version) for each in accounts for version in range(1, len(self.table[each]) + 1)]
        found = [key for key in keys if key > last][:limit]
        rows = [self.published(self.table[account][version - 1]) for account, version in found]
        return rows, json.dumps(found[-1]) if found else ""

    def later(self) -> datetime:
        """A moment after all others."""
        self._pass(1)
        return self._now

    def _pass(self, milliseconds: int) -> None:
        self._now += timedelta(milliseconds=milliseconds)


class LongHistory:
    """An event table with one account, which has very many events: made when they are read."""

    def __init__(self, account: str, events: int) -> None:
        self.account, self.events = account, events
        self.read_events = 0

    def event(self, version: int) -> AccountDomainEvent:
        """The event at a place; each credits 1."""
        data: AccountEvent = BalanceCredited(amount=1, currency="EUR")
        if version == 1:
            data = AccountCreated(currency="EUR", overdraft_limit=0)
        return event_at(self.account, version, data, at=START + timedelta(seconds=version))

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """See EventSource.read."""
        for version in range(after + 1, (self.events if up_to is None else up_to) + 1):
            self.read_events += 1
            yield self.event(version)
