"""A ledger and its lake as a sealer sees them, in memory: events that arrive late, twice or never, and restores."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.transparency.deciding import Restore, SealableRow
from lambdas.transparency.findings import Sealed
from lambdas.transparency.index import AccountRuns, LogIndex, Progress
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.memory import MemoryAnnouncer, MemoryLogIndex, MemoryLogStore
from lambdas.transparency.sealer import Sealer, SealerOptions
from lambdas.transparency.signer import Announcer
from tests.support.log_signer import SeededSigner
from tests.support.plain_log import PlainLog, check_index, check_store

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
PREFIX = "daybook/test/000000000000/eu-west-1"
SIGNER = SeededSigner()


class Booked(NamedTuple):
    """An event of the event table."""

    hash: bytes
    recorded: datetime


class HereAndNow(Executor):
    """Does what is submitted at once, in the caller's thread: the order of writes is always the same."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See Executor.submit."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised by whoever asks for the result
            future.set_exception(error)
        return future


class World:
    """The truth (`table`), the lake, the log, and the time."""

    def __init__(self) -> None:
        self.now = START
        self.table: dict[str, list[Booked]] = {}
        self.delivered: list[SealableRow] = []
        self.undelivered: list[tuple[str, int, Booked]] = []
        self.restores: list[Restore] = []
        self.generation = 1
        self.store = MemoryLogStore()
        self.index = MemoryLogIndex()
        self.announcer = MemoryAnnouncer()
        self.asked: list[tuple[str, str]] = []
        self.asked_accounts: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self._made = 0

    # the ledger

    def book(self, account_id: str, *, deliver: bool = True) -> None:
        """Append an event to an account."""
        self._made += 1
        event = Booked(sha256(f"{account_id}{self._made}".encode()).digest(), self.now)
        events = self.table.setdefault(account_id, [])
        events.append(event)
        if deliver:
            self.deliver(account_id, len(events), event)
        else:
            self.undelivered.append((account_id, len(events), event))

    def deliver(self, account_id: str, version: int, event: Booked) -> None:
        """Let an event arrive in the lake, now."""
        self.arrive(account_id, version, event.hash, event.recorded)

    def arrive(self, account_id: str, version: int, hashed: bytes, recorded: datetime, dt: str = "") -> None:
        """Let anything arrive in the lake, now or on another day."""
        text = b64encode(hashed).decode()
        dt = dt or self.now.date().isoformat()
        self.delivered.append(SealableRow(account_id, version, text, dt, format_timestamp(recorded)))

    def deliver_rest(self) -> None:
        """Let everything arrive that has not."""
        for account_id, version, event in self.undelivered:
            self.deliver(account_id, version, event)
        self.undelivered.clear()

    def restore(self, last_good: dict[str, int]) -> None:
        """Restore the table, and revoke what is beyond."""
        self.generation += 1
        self.now += timedelta(minutes=1)
        for account_id, version in last_good.items():
            self.restores.append(Restore(account_id, self.generation, version, format_timestamp(self.now)))
            del self.table[account_id][version:]

    # the lake

    def sealable(
        self, *, from_dt: str, from_account: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        """See sealer.Lake.sealable. As the query does, it takes the first arrival of what arrived twice.

        `meanwhile` happens between the two questions.
        """
        self.asked.append((from_dt, through))
        self.asked_accounts.append(from_account)
        found: dict[tuple[str, int, str], SealableRow] = {}
        for row in self.delivered:
            revoked = any(each.account_id == row.account_id and each.revokes(row) for each in self.restores)
            if row.account_id >= from_account and row.dt >= from_dt and row.recorded_at <= through and not revoked:
                key = (row.account_id, row.version, row.hash)
                found[key] = min(row, found.get(key, row), key=lambda each: each.dt)
        self.meanwhile()
        restores = sorted(self.restores, key=_by_account)
        return (row for _, row in sorted(found.items())), (each for each in restores if each.account_id >= from_account)

    # the log

    def sealer(self, **other: Any) -> Sealer:
        """A sealer of this world; `other` are arguments in place of the world's own."""
        seal_leaves = other.pop("seal_leaves", 65_536)
        mine: dict[str, Any] = {
            "store": self.store, "index": self.index, "signer": SIGNER, "announcer": self.announcer, "lake": self,
            "options": SealerOptions(PREFIX, lookback_days=1, hole_minutes=60, seal_leaves=seal_leaves),
            "executor": HereAndNow(), "clock": lambda: self.now,
        }  # fmt: skip
        return Sealer(**{**mine, **other})

    def seal(self, **other: Any) -> Sealed:
        """Run a sealer."""
        return self.sealer(**other).run(time_left=plenty)

    def check(self) -> PlainLog:
        """Assert that the log and the index are what follows from the seals, and that all were told, in order."""
        log = check_store(self.store, SIGNER.public_key())
        check_index(self.index, log)
        told = list(dict.fromkeys(self.announcer.told))
        assert told == [self.content(f"checkpoints/{each:08}") for each in range(len(log.headers))]
        return log

    def check_all_sealed(self) -> PlainLog:
        """Assert that exactly the table stands in the log, and each restore of an account there once."""
        log = self.check()
        standing = {account: [hashed for hashed, _ in versions] for account, versions in log.standing().items()}
        expected = {account: [event.hash for event in events] for account, events in self.table.items()}
        assert {account: hashes for account, hashes in standing.items() if hashes} == {
            account: hashes for account, hashes in expected.items() if hashes
        }
        told = {account: [entry.text for entry in entries] for account, entries in log.restores().items()}
        assert told == {
            account: [
                f"{account}/restored/{each.generation} {each.last_good_version} {each.revoked_at}"
                for each in self.restores
                if each.account_id == account
            ]
            for account in {each.account_id for each in self.restores} & standing.keys()
        }
        return log

    def content(self, name: str) -> bytes:
        """An object of the log."""
        stored = self.store.get(name)
        assert stored, name
        return stored.content

    def copy_of_log(self) -> tuple[MemoryLogStore, MemoryLogIndex]:
        """A copy of bucket and index as they are."""
        store, index = MemoryLogStore(), MemoryLogIndex()
        for name, (content, kind) in self.store.contents().items():
            store.put(name, content, kind)
        index.restore(self.index.contents())
        return store, index


def _by_account(restore: Restore) -> tuple[str, int]:
    return restore.account_id, restore.generation


def plenty() -> float:
    """Time that is left."""
    return 900.0


def live(world: World, random: Random, accounts: Sequence[str], *, restores: bool = True) -> None:
    """Some minutes or days in which anything happens."""
    for _ in range(random.randrange(1, 12)):
        world.now += timedelta(minutes=random.choice([0, 1, 5, 300, 1500]))
        account = random.choice(accounts)
        match random.randrange(12 if restores else 10):
            case 0 | 1 if world.undelivered:
                world.deliver(*world.undelivered.pop(random.randrange(len(world.undelivered))))
            case 2 if world.table.get(account):
                events = world.table[account]
                version = random.randrange(1, len(events) + 1)
                if all(each[2] != events[version - 1] for each in world.undelivered):
                    world.deliver(account, version, events[version - 1])
            case 10 | 11:
                chosen = [each for each in world.table if random.random() < 0.5]
                world.restore({each: random.randrange(len(world.table[each]) + 1) for each in chosen})
            case _:
                world.book(account, deliver=random.random() < 0.8)


class CrashError(Exception):
    """The sealer's process ends here."""


class Crashing:
    """Ends a sealer at its k-th write, before or after it took effect, or lets something happen before that write."""

    def __init__(self, world: World, k: int, *, after: bool, instead: Callable[[], None] | None = None) -> None:
        self._left = k
        self._after = after
        self._instead = instead
        self.done = 0
        self.arguments = {
            "store": _Store(world.store, self),
            "index": _Index(world.index, self),
            "announcer": _Announcer(world.announcer, self),
        }

    def write(self, write: Callable[[], Any]) -> Any:
        """Do a write, or crash."""
        self.done += 1
        if self.done == self._left and self._instead:
            self._instead()
            return write()
        if self.done == self._left and not self._after:
            raise CrashError
        answer = write()
        if self.done == self._left:
            raise CrashError
        return answer


class _Store:
    def __init__(self, store: LogStore, crashing: Crashing) -> None:
        self._store, self._crashing = store, crashing
        self.get, self.names = store.get, store.names

    def add(self, *arguments: Any) -> bool:
        return bool(self._crashing.write(lambda: self._store.add(*arguments)))

    def replace(self, *arguments: Any, tag: str) -> bool:
        return bool(self._crashing.write(lambda: self._store.replace(*arguments, tag=tag)))


class _Index:
    """Its accounts are written one by one."""

    def __init__(self, index: LogIndex, crashing: Crashing) -> None:
        self._index, self._crashing = index, crashing
        self.heads, self.run_of, self.runs, self.progress = index.heads, index.run_of, index.runs, index.progress

    def apply(self, changes: Sequence[AccountRuns], *, seal: int) -> None:
        for each in changes:
            self._crashing.write(partial(self._index.apply, [each], seal=seal))

    def advance(self, progress: Progress) -> None:
        self._crashing.write(lambda: self._index.advance(progress))

    def clear(self) -> None:
        self._crashing.write(self._index.clear)


class _Announcer:
    def __init__(self, announcer: Announcer, crashing: Crashing) -> None:
        self._announcer, self._crashing = announcer, crashing

    def tell(self, checkpoint: bytes) -> None:
        self._crashing.write(lambda: self._announcer.tell(checkpoint))
