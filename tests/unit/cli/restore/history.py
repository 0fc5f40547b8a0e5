"""A history in three tables, made by the very code that makes it: the API's service, and the processor of commands."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cli.restore.names import restored_name
from lambdas.accounts.commands import AccountCommand, AnyCommand, CreditAccount, OpenAccount, Transfer
from lambdas.accounts.errors import DomainError
from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.eventsourcing.decider import Idempotency
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.httpapi.idempotency import TIME_TO_LIVE
from lambdas.httpapi.problems import problem_reply
from lambdas.httpapi.replies import Reply, remember
from lambdas.inbox import table
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.stream_records import insert_record
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.dynamodb_tables import KEYS, Tables, store_on
from tests.support.event_rows import account_id

NAMES = Tables("events", "commands", "receipts")
RESTORED = Tables(*(restored_name(each, 2) for each in NAMES))
A, B, C = account_id(1), account_id(2), account_id(3)
Item = dict[str, Any]


@dataclass
class History:
    """Commands are a second apart, up to now, so that no receipt has expired."""

    client: Any
    now: datetime = field(default_factory=lambda: utc_now().replace(microsecond=0) - timedelta(hours=2))

    def __post_init__(self) -> None:
        store = store_on(self.client, NAMES)
        self.service = AccountService(Repository(store, ACCOUNT_DECIDER, clock=self.clock), clock=self.clock)
        self.processor = CommandProcessor(self.service, clock=self.clock, workers=1)

    def clock(self) -> datetime:
        """The time of the command that is carried out."""
        return self.now

    def _tick(self) -> None:
        self.now += timedelta(seconds=1)

    def send(self, command: AnyCommand, account: str = "", key: str | None = None) -> None:
        """A synchronous command, maybe under a key; the receipt says 200, or 422 for a refusal."""
        self._tick()
        context = CommandContext(str(uuid.uuid4()), "c", "tester")
        scope = command.from_account_id if isinstance(command, Transfer) else account
        idempotency = None if key is None else self._idempotency(scope, key)
        try:
            if isinstance(command, Transfer):
                self.service.transfer(command, str(uuid.uuid4()), context, idempotency=idempotency)
            else:
                self.service.execute(command, account, context, idempotency=idempotency)
        except DomainError:
            pass

    def _idempotency(self, scope: str, key: str) -> Idempotency[Any]:
        return Idempotency(
            scope=scope,
            key=f"tester/{key}",
            request_hash=bytes(32),
            ttl=int(TIME_TO_LIVE.total_seconds()),
            respond=lambda _: remember(Reply(200)),
            reject=lambda error: remember(problem_reply(error, "c")),
        )

    def store(self, account: str, key: str, command: AnyCommand) -> Item:
        """A stored command, still pending."""
        self._tick()
        body = msgspec.to_builtins(command)
        item: Item = {
            table.HASH_KEY: {"S": account},
            table.RANGE_KEY: {"S": f"tester/{key}"},
            table.STATUS: {"S": table.PENDING},
            table.BODY: {"B": json.dumps(body).encode()},
            table.SUBMITTED_AT: {"S": format_timestamp(self.now)},
            table.ACTOR: {"S": "tester"},
            table.CORRELATION_ID: {"S": "c"},
        }
        self.client.put_item(TableName=NAMES.commands, Item=item)
        return item

    def process(self, *items: Item) -> None:
        """One batch of the commands table's stream."""
        self._tick()
        done = self.processor.process([insert_record(each, n) for n, each in enumerate(items, 1)], lambda: True)
        assert done.left == 0, done.failures

    def rows(self, tables: Tables = NAMES) -> list[EventRow]:
        """All rows of the event table, in order."""
        return sorted(
            map(item_to_row, items_of(self.client, tables.events)), key=lambda row: (row.stream_id, row.version)
        )

    def lines(self) -> list[bytes]:
        """What is published of all of it."""
        return [encode_domain_event(domain_event(row)) for row in self.rows()]


def short(client: Any) -> History:
    """Every kind of commit: with and without key, of one account and of two, stored ones alone and in a run."""
    history = History(client)
    for account in (A, B, C):
        history.send(OpenAccount(currency="EUR"), account)
    history.send(CreditAccount(amount=1000), A, "pay")
    history.send(Transfer(from_account_id=A, to_account_id=B, amount=300), key="rent")
    history.send(Transfer(from_account_id=A, to_account_id=B, amount=10**9), key="too much")
    history.process(
        history.store(C, "salary", CreditAccount(amount=50)), history.store(C, "bonus", CreditAccount(amount=5))
    )
    history.process(history.store(B, "share", Transfer(from_account_id=B, to_account_id=C, amount=100)))
    history.process(history.store(B, "refused", Transfer(from_account_id=B, to_account_id=C, amount=10**9)))
    history.send(CreditAccount(amount=7), B)
    history.store(A, "waiting", CreditAccount(amount=1))
    return history


def at_random(client: Any, rng: random.Random, commands: int) -> History:
    """Any commands on four accounts."""
    history = History(client)
    accounts = [account_id(number) for number in range(1, 5)]
    for account in accounts:
        history.send(OpenAccount(currency="EUR", overdraft_limit=10_000), account)
    waiting: list[Item] = []
    for number in range(commands):
        sender, receiver = rng.sample(accounts, 2)
        command: AccountCommand | Transfer = CreditAccount(amount=rng.randint(1, 99))
        if rng.random() < 0.5:
            command = Transfer(from_account_id=sender, to_account_id=receiver, amount=rng.randint(1, 99))
        if rng.random() < 0.4:
            waiting.append(history.store(sender, f"k{number}", command))
        else:
            history.send(command, sender, f"k{number}" if rng.random() < 0.5 else None)
        if waiting and rng.random() < 0.5:
            history.process(*waiting)
            waiting = []
    return history


def items_of(client: Any, name: str) -> list[Item]:
    """All items of a table."""
    pages = client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def copied(client: Any, keep: Callable[[str, Item], Item | None] = lambda _, item: item) -> None:
    """The restored tables: copies of what is there, but what `keep` changes or leaves out (by table and item)."""
    for name, target, (hash_key, range_key) in zip(NAMES, RESTORED, KEYS.values(), strict=True):
        client.create_table(
            TableName=target,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": hash_key, "KeyType": "HASH"},
                {"AttributeName": range_key, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": hash_key, "AttributeType": "S"},
                {"AttributeName": range_key, "AttributeType": "N" if range_key == "version" else "S"},
            ],
        )
        for item in items_of(client, name):
            if (kept := keep(name, item)) is not None:
                client.put_item(TableName=target, Item=kept)


def event_id(item: Item) -> str:
    """`<account>/<version>` of a row."""
    return f"{item['stream_id']['S']}/{item['version']['N']}"


def pending_again(item: Item) -> Item:
    """A stored command as it was before it ended."""
    ended = (table.COMMIT_ID, table.VERSION, table.BALANCE, table.COMPLETED_AT, table.PROBLEM)
    return {**{name: value for name, value in item.items() if name not in ended}, table.STATUS: {"S": table.PENDING}}


@dataclass
class Stream:
    """The stream of domain events, from its beginning."""

    given: list[bytes]

    def lines(self, since: datetime) -> Iterator[bytes]:
        """All of it."""
        assert since.tzinfo is UTC
        yield from self.given
