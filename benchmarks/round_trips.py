"""Round trips and capacity of each kind of command, counted on DynamoDB in process (moto).

Capacity is computed from item sizes by AWS's published rules; it does not depend on the machine.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from unittest import mock
from uuid import uuid4

import msgspec

from benchmarks.report import Row
from lambdas.accounts.commands import AccountCommand, CreditAccount, OpenAccount, Transfer
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Idempotency
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox import table
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.stream_records import StreamRecord, insert_record
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.dynamodb_tables import Tables, create_tables, moto_client, store_on
from tests.support.inbox import TableInbox
from tests.support.metering import MeteredClient, Usage

CONTEXT = CommandContext(command_id=str(uuid4()), correlation_id=str(uuid4()), actor="AROAEXAMPLEEXAMPLE123")
REFERENCE = "invoice 2026-0042"
CREDIT = CreditAccount(amount=125_00, reference=REFERENCE)
SUBMITTED: dict[str, dict[str, Any]] = {
    table.STATUS: {"S": table.PENDING},
    table.BODY: {"B": msgspec.json.encode(CREDIT)},
    table.SUBMITTED_AT: {"S": "2026-03-01T09:30:00.123Z"},
    table.CORRELATION_ID: {"S": CONTEXT.correlation_id},
    table.ACTOR: {"S": CONTEXT.actor},
}
HISTORY = 40
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}


class Budget(NamedTuple):
    """The most that a kind of command may use."""

    round_trips: int
    write_units: int
    read_units: int


class Bench:
    """An account service on metered tables."""

    def __init__(self, client: MeteredClient, tables: Tables) -> None:
        self.client = client
        self._tables = tables
        self._inbox = TableInbox(client, tables.commands)
        self._record: StreamRecord = {}
        self.service = self.another_container()
        self.account, self.other = str(uuid4()), str(uuid4())
        for account_id in (self.account, self.other):
            self.execute(OpenAccount(currency="EUR"), account_id)
            for _ in range(HISTORY):
                self.execute(CREDIT, account_id)

    def another_container(self) -> AccountService:
        """A service with an empty cache, as in another container."""
        store = store_on(self.client, self._tables)
        return AccountService(Repository(store, ACCOUNT_DECIDER), clock=utc_now)

    def execute(self, command: AccountCommand, account_id: str, *, keyed: bool = False) -> None:
        """Run one command."""
        key = _receipt(account_id) if keyed else None
        self.service.execute(command, account_id, CONTEXT, idempotency=key)

    def submit(self) -> None:
        """Store a command, as API Gateway does."""
        command_id = str(uuid4())
        self._inbox.put(self.account, command_id, **SUBMITTED)
        self._record = insert_record(self._inbox.item(self.account, command_id) or {})

    def submit_elsewhere(self) -> None:
        """Store a command, and go on in a new container."""
        self.submit()
        self.forget()

    def process(self) -> None:
        """Process the stored command."""
        processor = CommandProcessor(self.service, clock=utc_now)
        if processor.process([self._record], lambda: True).succeeded != 1:
            raise RuntimeError("the stored command did not succeed")

    def transfer(self, *, keyed: bool = False) -> None:
        """Move money between the two accounts."""
        command = Transfer(from_account_id=self.account, to_account_id=self.other, amount=10, reference=REFERENCE)
        key = _receipt(self.account) if keyed else None
        self.service.transfer(command, str(uuid4()), CONTEXT, idempotency=key)

    def measure(self, action: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> list[Usage]:
        """What each of ten repetitions used; a row with a snapshot is among them."""
        usages = []
        for _ in range(10):
            prepare()
            with self.client.measure() as usage:
                action()
            usages.append(usage)
        return usages

    def forget(self) -> None:
        """Go on in a new container."""
        self.service = self.another_container()

    def be_overtaken(self) -> None:
        """Let another container append to the account, so that the next command loses a race."""
        self.another_container().execute(CREDIT, self.account, CONTEXT)


def _receipt(scope: str) -> Idempotency[Account]:
    answer = "x" * 400  # about what an account with its headers takes
    return Idempotency(scope, str(uuid4()), bytes(32), 600, lambda _: answer, lambda _: None)


def _actions(bench: Bench) -> Iterator[tuple[str, Budget, list[Usage]]]:
    opened = partial(bench.execute, OpenAccount(currency="EUR"))
    credit = partial(bench.execute, CREDIT, bench.account)
    keyed = partial(bench.execute, CREDIT, bench.account, keyed=True)
    yield "open an account", Budget(1, 1, 0), bench.measure(lambda: opened(str(uuid4())))
    yield "command, warm", Budget(1, 1, 0), bench.measure(credit)
    yield "command, cold", Budget(2, 1, 2), bench.measure(credit, bench.forget)
    yield "command, keyed, warm", Budget(1, 4, 0), bench.measure(keyed)
    yield "command, keyed, cold", Budget(2, 4, 2), bench.measure(keyed, bench.forget)
    yield "command, lost a race", Budget(2, 2, 0), bench.measure(credit, bench.be_overtaken)
    yield "stored command, warm", Budget(1, 4, 0), bench.measure(bench.process, bench.submit)
    yield "stored command, cold", Budget(2, 4, 2), bench.measure(bench.process, bench.submit_elsewhere)
    bench.transfer()
    yield "transfer, warm", Budget(1, 4, 0), bench.measure(bench.transfer)
    yield "transfer, keyed, warm", Budget(1, 6, 0), bench.measure(partial(bench.transfer, keyed=True))
    yield "balance", Budget(1, 0, 2), bench.measure(lambda: bench.service.account(bench.account))


def measure() -> Iterator[Row]:
    """Yield, for each kind of command, the most that any of its repetitions used."""
    with mock.patch.dict(os.environ, CREDENTIALS), moto_client() as client:
        bench = Bench(MeteredClient(client), create_tables(client))
        for name, budget, usages in _actions(bench):
            taken = Budget(
                max(usage.round_trips for usage in usages),
                max(usage.write_units for usage in usages),
                max(math.ceil(usage.read_units) for usage in usages),
            )
            yield Row(
                group="DynamoDB round trips",
                name=name,
                value=taken.round_trips,
                unit="requests",
                budget=f"≤ {budget.round_trips}, {budget.write_units} WCU, {budget.read_units} RCU",
                met=all(value <= bound for value, bound in zip(taken, budget, strict=True)),
                note=f"{taken.write_units} WCU, {taken.read_units} RCU",
            )
