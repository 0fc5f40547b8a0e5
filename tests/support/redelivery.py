"""Commands on a stream that delivers them again and again, to processors that crash, on a DynamoDB that misbehaves.

What AWS allows, and so happens here: batches are cut anywhere, and cut anew when they come again; a batch comes again
although it was through; a failed one is halved, the first half first; a container that was given up still works while
another one has its batch; synchronous requests book on the same accounts meanwhile; a batch that failed too often is
parked, and whoever marks it is told late, or twice. At any time an operator redrives what was given up.
Between the records of two shards there is no order. Inside a batch there is none either, since the processor sorts.
"""

from __future__ import annotations

import io
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from cli.redrive.inbox import Clients, Inbox
from cli.redrive.redriver import Redriver
from lambdas.accounts.commands import CreditAccount, WithdrawFromAccount
from lambdas.accounts.errors import DomainError
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.inbox import table
from lambdas.inbox.marking import FailureMarker, mark_all
from lambdas.inbox.stream_records import CommandKey, key_of
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.clocks import START, SimulatedTime
from tests.support.commands import Item, Record, command_item, command_record, new_processor
from tests.support.dynamodb_tables import KEYS, Tables, store_on
from tests.support.event_rows import account_id
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.faults import MISHAPS, FaultyClient, Schedule, as_told, at_random

TABLES = Tables("events", "commands")
INBOX = Inbox(commands_table=TABLES.commands, command_parking_bucket="parking", command_processor="processor")
BOOKED = "booked-"
"""How the ids of synchronous commands begin."""
CALLERS = ("AIDAONE", "AIDATWO")
"""They number their keys alike."""
MOST_DELIVERIES = 5
"""Of a record, counting those that were through."""


class CrashError(BaseException):
    """A process ends here."""


class Container:
    """One running function: a client, a clock, and a processor with a cache. It may end between any two steps."""

    def __init__(self, world: World, *, calm: bool = False) -> None:
        rng = world.rng
        self.time = SimulatedTime()
        schedule: Schedule = as_told() if calm else at_random(rng, world.trouble, MISHAPS)
        self.client = FaultyClient(
            world.dynamodb, rng, self.time, schedule=schedule, bare=0.0 if calm else world.bare,
            meanwhile=(lambda: None) if calm else lambda: world.meanwhile(self),
        )  # fmt: skip
        backoff = Backoff(sleep=self.time.sleep, uniform=rng.uniform)
        self.processor = new_processor(
            store_on(self.client, TABLES, backoff=backoff), self.time.wall, backoff=backoff,
            new_deadline=lambda: Deadline(monotonic=self.time.monotonic), new_commit_id=world.new_commit_id,
            snapshot_interval=rng.choice((1, 3, 10)), cache_capacity=rng.choice((0, 2, 100)),
            most_commands=rng.choice((1, 2, 49)),
        )  # fmt: skip
        self.marker = FailureMarker(self.client, TABLES.commands, clock=self.time.wall, backoff=backoff)


class World:
    """Rows, their stream in shards, and the containers that are alive."""

    def __init__(self, rng: random.Random, bodies: Callable[[random.Random, list[str]], tuple[str, Any]]) -> None:
        self.rng = rng
        self.happened: Counter[str] = Counter()
        self.writes: list[list[Item]] = []
        self.dynamodb = FakeDynamoDB(
            dict(zip(TABLES, KEYS.values(), strict=True)), observe=lambda items: self.writes.append(list(items))
        )
        self.trouble, self.bare = rng.choice((0.0, 0.1, 0.4)), rng.choice((0.0, 0.3, 0.9))
        self.crashes, self.interruptions = rng.choice((0.0, 0.02, 0.1)), rng.choice((0.0, 0.05, 0.2))
        self.forgeries = rng.choice((0.0, 0.3))
        self.calm = self.trouble == self.bare == self.crashes == 0.0
        """Whether nothing but repetition happens."""
        self._longest_batch = rng.choice((1, 6, 24))
        commit_ids = itertools.count()
        self.new_commit_id = lambda: f"commit-{next(commit_ids)}"
        self.accounts = [account_id(number) for number in range(1, rng.randint(2, 5))]
        self.records = self._submit(bodies)
        self.shards = self._shards()
        self.given_up: set[CommandKey] = set()
        """Those that were pending when they were parked: they may still end otherwise, but nobody waits for them."""
        self._marks: list[Sequence[Record]] = []
        self._delivered: Counter[str] = Counter()
        self._acting: Container | None = None
        self._reached: list[tuple[list[Record], int, int]] = []
        self._booked = itertools.count()
        store = store_on(self.dynamodb, TABLES)
        self._clerk = AccountService(
            Repository(store, ACCOUNT_DECIDER, clock=lambda: START, new_commit_id=self.new_commit_id),
            clock=lambda: START,
        )
        self.containers = [Container(self) for _ in range(3)]

    def run(self) -> None:
        """Deliver everything, until every command has ended."""
        positions = [0] * len(self.shards)
        while any(at < len(shard) for at, shard in zip(positions, self.shards, strict=True)):
            number = self.rng.choice([n for n, shard in enumerate(self.shards) if positions[n] < len(shard)])
            shard, start = self.shards[number], positions[number]
            end = min(start + self.rng.randint(1, self._longest_batch), len(shard))
            self._reached.append((shard, start, end))
            self._deliver(shard[start:end], tries=0)
            positions[number] = end
            if self.rng.random() < self.forgeries:
                self._forge()
            if self.rng.random() < 0.3:
                self._deliver_again(shard, positions[number])
            self._tell_some()
            if self.rng.random() < 0.2:
                self._redrive()
        for container in self.containers:
            container.client.settle()
        calm = Container(self, calm=True)
        for batch in self._marks:
            assert mark_all(calm.marker, batch).unmarked == []
        if self.rng.random() < 0.5:
            self._redrive()

    def status(self, record: Record) -> str:
        """A command's status."""
        return str(self.row(record)[table.STATUS]["S"])

    def row(self, record: Record) -> Item:
        """A command's row."""
        item: Item = self.dynamodb.get_item(
            TableName=TABLES.commands, Key=record["dynamodb"]["Keys"], ConsistentRead=True
        )["Item"]
        return item

    def meanwhile(self, container: Container) -> None:
        """Between two steps of a container: it ends, or another one has the same batch, or an earlier one."""
        if container is not self._acting:
            return
        if self.rng.random() < self.crashes:
            self.happened["crashed"] += 1
            raise CrashError
        if self.rng.random() < self.interruptions and self._reached:
            self.happened["interrupted"] += 1
            self._acting = None
            if self.rng.random() < 0.5:
                shard, start, end = self.rng.choice(self._reached)
                first, last = self.rng.randint(0, start), self.rng.randint(start + 1, end)
                other = self.rng.choice([each for each in self.containers if each is not container])
                other.processor.process(shard[first:last], lambda: True)
            else:
                self._book()
            self._acting = container

    def _book(self) -> None:
        """A synchronous request, or a few: each books what the rules allow."""
        account = self.rng.choice(self.accounts)
        for _ in range(self.rng.randint(1, 6)):
            kind, amount = self.rng.choice((CreditAccount, WithdrawFromAccount)), self.rng.randint(1, 60)
            context = CommandContext(f"{BOOKED}{next(self._booked)}", "correlation", "actor")
            try:
                self._clerk.execute(kind(amount=amount), account, context)
            except DomainError:
                continue
            self.happened["booked"] += 1

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Lambda, as the operator's client shows it."""
        through = self._invoke(json.loads(request["Payload"])["Records"])
        return {} if through else {"FunctionError": "Unhandled", "Payload": io.BytesIO(b"{}")}

    def _forge(self) -> None:
        """A stranger who knows keys of commands tells them otherwise, to the function or through the bucket."""
        batch = [self._forged(record) for record in self.rng.sample(self.records, self.rng.randint(1, 2))]
        if self.rng.random() < 0.5:
            self.happened["forged"] += 1
            self._invoke(batch)
        else:
            self.happened["forged, parked"] += 1
            self._marks.append(batch)

    def _forged(self, record: Record) -> Record:
        change, image = record["dynamodb"], dict(record["dynamodb"]["NewImage"])
        match self.rng.randrange(4):
            case 0:
                image[table.BODY] = {"B": "eyJ0eXBlIjoiQ3JlZGl0QWNjb3VudCIsImFtb3VudCI6OTk5fQ=="}
            case 1:
                image[table.ACTOR] = {"S": "AIDASTRANGER"}
            case 2:
                image[table.SUBMITTED_AT] = {"S": "2026-03-01T11:00:00.000Z"}
            case _:
                del image[table.CORRELATION_ID]
        return record | {"dynamodb": change | {"NewImage": image}}

    def _redrive(self) -> None:
        """The operator has what was given up carried out again, though it may not even be marked yet."""
        clients = Clients(self.dynamodb, self, None)
        for redriven in Redriver(clients, INBOX).redrive(sorted(self.given_up)):
            self.happened["redriven"] += redriven.ended

    def _submit(self, bodies: Callable[[random.Random, list[str]], tuple[str, Any]]) -> list[Record]:
        records, sequence = [], self.rng.randrange(10**20)
        for number in range(self.rng.choice((self.rng.randint(2, 12), 24))):
            account, body = bodies(self.rng, self.accounts)
            item = command_item(account, f"{CALLERS[number % 2]}/c{number // 2}", body, START)
            self.dynamodb.put_item(TableName=TABLES.commands, Item=item)
            sequence += self.rng.randint(1, 10**20)
            records.append(command_record(item, sequence))
        return records

    def _shards(self) -> list[list[Record]]:
        """Each account's commands are in one shard, in the order stored."""
        places = {account: self.rng.randrange(3) for account in self.accounts}
        shards: list[list[Record]] = [[], [], []]
        for record in self.records:
            shards[places[record["dynamodb"]["Keys"][table.HASH_KEY]["S"]]].append(record)
        return [shard for shard in shards if shard]

    def _deliver(self, batch: list[Record], tries: int) -> None:
        while not self._invoke(batch):
            self.happened["failed"] += 1
            if len(batch) > 1 and self.rng.random() < 0.5:
                self.happened["halved"] += 1
                middle = self.rng.randrange(1, len(batch))
                self._deliver(batch[:middle], tries)
                self._deliver(batch[middle:], tries)
                return
            tries += 1
            if tries > 3:
                self.happened["parked"] += 1
                self._marks.append(batch)
                self.given_up |= {key_of(each) for each in batch if self.status(each) == table.PENDING}
                return

    def _deliver_again(self, shard: list[Record], position: int) -> None:
        """What was through comes again, from anywhere up to anywhere."""
        first = self.rng.randrange(position)
        batch = shard[first : self.rng.randint(first + 1, position)]
        keys = [each["dynamodb"]["SequenceNumber"] for each in batch]
        if max(self._delivered[key] for key in keys) < MOST_DELIVERIES:
            self.happened["delivered again"] += 1
            self._invoke(batch)

    def _invoke(self, batch: list[Record]) -> bool:
        """Whether the function returned, as opposed to raised or ended."""
        place = self.rng.randrange(len(self.containers))
        self._acting = container = self.containers[place]
        self._delivered.update(each["dynamodb"]["SequenceNumber"] for each in batch)
        try:
            processed = container.processor.process(
                self.rng.sample(batch, len(batch)), lambda: self.calm or self.rng.random() < 0.95
            )
        except CrashError:
            self.containers[place] = Container(self)
            container.client.settle()
            return False
        finally:
            self._acting = None
        return processed.left == 0

    def _tell_some(self) -> None:
        """Some of the parked batches are marked now, by a function that may fail as well; then it is told again."""
        for batch in [each for each in self._marks if self.rng.random() < 0.4]:
            container = self.rng.choice(self.containers)
            done = not mark_all(container.marker, batch).unmarked
            if done and self.rng.random() < 0.7:
                self._marks.remove(batch)
