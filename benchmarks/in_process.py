"""Commands per CPU second in one thread, in memory, beside the Python library `eventsourcing`.

Both do the same work: they credit 100 accounts in turn, and encode and keep every event. Ours also hashes each row and
takes a snapshot every 10 events, as theirs does without a cache. It is CPU time, not wall-clock time: nothing waits,
and other programs on the machine would count. Other programs also slow the processor for a while, so the contenders
alternate in short rounds: the rates of one round are compared, and the result is the median of these ratios.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.report import Row, at_least
from lambdas.accounts.commands import CreditAccount, OpenAccount
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox import table
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.stream_records import StreamRecord, insert_record
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER

ACCOUNTS = 100
COMMANDS = 4_000
ROUNDS = 21
OURS = "daybook, accounts remembered"
Credit = Callable[[int], None]


class _Account(Aggregate):
    balance: int

    @event("Opened")
    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.balance = 0

    @event("Credited")
    def credit(self, amount: int) -> None:
        self.balance += amount


class _Accounts(Application[UUID]):
    def open(self) -> UUID:
        account = _Account("EUR")
        self.save(account)
        return account.id

    def credit(self, account_id: UUID, amount: int) -> None:
        account: _Account = self.repository.get(account_id)
        account.credit(amount)
        self.save(account)


class _SnapshottingAccounts(_Accounts):
    is_snapshotting_enabled = True
    snapshotting_intervals: ClassVar = {_Account: 10}


def _neighbour(kind: type[_Accounts], settings: Mapping[str, str]) -> Credit:
    application = kind(env=settings)
    ids = [application.open() for _ in range(ACCOUNTS)]
    return lambda turn: application.credit(ids[turn % ACCOUNTS], 10)


def _daybook(**options: Any) -> Credit:
    service = AccountService(Repository(InMemoryEventStore(), ACCOUNT_DECIDER, **options), clock=utc_now)
    context = CommandContext(command_id=str(uuid4()), correlation_id=str(uuid4()), actor="benchmark")
    ids = [str(uuid4()) for _ in range(ACCOUNTS)]
    for account_id in ids:
        service.execute(OpenAccount(currency="EUR"), account_id, context)
    command = CreditAccount(amount=10)

    def credit(turn: int) -> None:
        service.execute(command, ids[turn % ACCOUNTS], context)

    return credit


def _processor() -> Credit:
    """Stored commands, in batches with one of each account; in one thread, since nothing here waits."""
    store = InMemoryEventStore()
    service = AccountService(Repository(store, ACCOUNT_DECIDER), clock=utc_now)
    processor = CommandProcessor(service, clock=utc_now, workers=1)
    context = CommandContext(command_id=str(uuid4()), correlation_id=str(uuid4()), actor="benchmark")
    ids = [str(uuid4()) for _ in range(ACCOUNTS)]
    for account_id in ids:
        service.execute(OpenAccount(currency="EUR"), account_id, context)
    records = [_stored(ids[turn % ACCOUNTS], turn) for turn in range(COMMANDS)]

    def credit(turn: int) -> None:
        if turn % ACCOUNTS == ACCOUNTS - 1:
            batch = records[turn + 1 - ACCOUNTS : turn + 1]
            if processor.process(batch, lambda: True).succeeded != ACCOUNTS:
                raise RuntimeError("a stored command did not succeed")

    return credit


def _stored(account_id: str, turn: int) -> StreamRecord:
    item: dict[str, dict[str, Any]] = {
        table.HASH_KEY: {"S": account_id},
        table.RANGE_KEY: {"S": str(uuid4())},
        table.BODY: {"B": b'{"type":"CreditAccount","amount":10}'},
        table.SUBMITTED_AT: {"S": "2026-03-01T09:30:00.123Z"},
        table.CORRELATION_ID: {"S": str(uuid4())},
        table.ACTOR: {"S": "benchmark"},
    }
    return insert_record(item, turn + 1)


def _rate(build: Callable[[], Credit]) -> float:
    """Commands per CPU second of a new contender, without garbage of the one before."""
    credit = build()
    gc.collect()
    start = time.process_time()
    for turn in range(COMMANDS):
        credit(turn)
    return COMMANDS / (time.process_time() - start)


def _contenders() -> dict[str, Callable[[], Credit]]:
    cached = {"AGGREGATE_CACHE_MAXSIZE": "1000", "AGGREGATE_CACHE_FASTFORWARD": "n"}
    return {
        OURS: _daybook,
        "daybook, every account read": lambda: _daybook(cache_capacity=0),
        "daybook, stored commands": _processor,
        "eventsourcing, with snapshots": lambda: _neighbour(_SnapshottingAccounts, {}),
        "eventsourcing, cached": lambda: _neighbour(_Accounts, cached),
        "eventsourcing, cached, not copied": lambda: _neighbour(
            _Accounts, cached | {"DEEPCOPY_FROM_AGGREGATE_CACHE": "n"}
        ),
    }


def measure() -> Iterator[Row]:
    """Yield the medians; the budget is the ratio of the two fastest."""
    contenders = _contenders()
    rounds = [{name: _rate(build) for name, build in contenders.items()} for _ in range(ROUNDS)]
    group = "in process, in memory"
    medians = {name: statistics.median(each[name] for each in rounds) for name in contenders}
    for name, rate in medians.items():
        yield Row(group=group, name=name, value=rate, unit="commands/CPU s")
    fastest = max((name for name in contenders if name.startswith("eventsourcing")), key=medians.__getitem__)
    ratios = sorted(each[OURS] / each[fastest] for each in rounds)
    ratio = statistics.median(ratios)
    budget, met = at_least(ratio, 3)
    yield Row(
        group=group, name="fastest to fastest", value=ratio, unit="ratio", budget=budget, met=met,
        note=f"{ROUNDS} rounds, half of them {ratios[ROUNDS // 4]:.2f} to {ratios[-1 - ROUNDS // 4]:.2f}",
    )  # fmt: skip
