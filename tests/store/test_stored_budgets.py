"""What a stored command may cost: requests and capacity, with the largest rows there can be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lambdas.accounts.commands import AnyCommand, CloseAccount, CreditAccount, OpenAccount, Transfer
from lambdas.accounts.errors import RuleBrokenError
from lambdas.accounts.money import MAX_AMOUNT
from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.inbox import table
from lambdas.inbox.deliveries import Content
from lambdas.inbox.instructions import instruction_of
from lambdas.inbox.outcomes import stored_command
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.stream_records import CommandRow, insert_record, row_of
from lambdas.service.account_service import AccountService
from tests.support import worst_case
from tests.support.backends import DynamoDBBackend, NewId
from tests.support.budgets import Bench, costs
from tests.support.clocks import TickingClock
from tests.support.inbox import TableInbox
from tests.support.metering import MeteredClient, Usage, item_bytes
from tests.support.worst_case import AMOUNT, CONTEXT, CORRELATION_ID, CREDIT, KEY, OCCURRED_AT, REFERENCE, WITHDRAWAL

OPENING = OpenAccount(currency="EUR", overdraft_limit=MAX_AMOUNT)
CLOSING = CloseAccount()
EXPLANATION = "x" * 62
"""The longest that the domain gives."""
LENGTHS = pytest.mark.parametrize("length", [2, 10, 11, 20, 30, 1_000_000])


class Inbox:
    """Commands with the longest of everything, as the gateway stores them and a processor carries them out."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.rows = TableInbox(bench.backend.client, bench.backend.tables.commands)

    def submit(self, account_id: str, command: AnyCommand, key: str = KEY, *, spaces: int = 0) -> CommandRow:
        """Store a command; its row, as its record tells it."""
        moment = parse_timestamp(OCCURRED_AT)
        body = msgspec.json.encode(msgspec.structs.replace(command, occurred_at=moment)) + b" " * spaces
        attributes = {
            table.STATUS: table.PENDING,
            table.SUBMITTED_AT: OCCURRED_AT,
            table.CORRELATION_ID: CORRELATION_ID,
            table.ACTOR: CONTEXT.actor,
        }
        self.rows.put(
            account_id, key, **{name: {"S": text} for name, text in attributes.items()}, **{table.BODY: {"B": body}}
        )
        item = self.rows.item(account_id, key)
        assert item is not None
        return row_of(insert_record(item))

    def process(self, bank: AccountService, *rows: CommandRow) -> Usage:
        """What it takes to carry them out in one run."""
        commands = [stored_command(Content(row, instruction_of(row)), self._bench.clock) for row in rows]
        with self._bench.client.measure() as usage:
            bank.carry_out(commands)
        return usage

    def ended(self, account_id: str, key: str = KEY) -> str:
        """The status of a command whose row fits one write unit."""
        item = self.rows.item(account_id, key)
        assert item is not None
        assert item_bytes(item) <= 1024
        return str(item[table.STATUS]["S"])


@pytest.fixture
def bench(dynamodb: DynamoDBBackend) -> Bench:
    return Bench(dynamodb, MeteredClient(dynamodb.client), TickingClock())


@pytest.fixture
def inbox(bench: Bench) -> Inbox:
    return Inbox(bench)


@LENGTHS
def test_success(bench: Bench, inbox: Inbox, new_id: NewId, length: int) -> None:
    """Warm one transaction of row and command, cold a query before it."""
    warm, cold = bench.history(new_id(), length), bench.history(new_id(), length)
    bank = bench.warm(warm)

    costs(inbox.process(bank, inbox.submit(warm, CREDIT)), ["TransactWriteItems"], write_units=4)
    usage = inbox.process(bench.cold(), inbox.submit(cold, CREDIT))
    costs(usage, ["Query", "TransactWriteItems"], write_units=4, read_units=2)

    assert {inbox.ended(warm), inbox.ended(cold)} == {table.SUCCEEDED}


def test_opening(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """Nothing is read."""
    account_id = new_id()

    usage = inbox.process(bench.cold(), inbox.submit(account_id, OPENING))

    costs(usage, ["TransactWriteItems"], write_units=4)
    assert inbox.ended(account_id) == table.SUCCEEDED


@LENGTHS
def test_transfer(bench: Bench, inbox: Inbox, new_id: NewId, length: int) -> None:
    """Three items in one transaction; a cold one reads each account once."""
    for bank_of, queries in ((bench.warm, 0), (lambda *_: bench.cold(), 2)):
        source, target = bench.history(new_id(), length), bench.history(new_id(), length + 1)
        bank, command = bank_of(source, target), worst_case.transfer(source, target)

        usage = inbox.process(bank, inbox.submit(source, command))

        costs(usage, ["Query"] * queries + ["TransactWriteItems"], write_units=6, read_units=2 * queries)
        assert inbox.ended(source) == table.SUCCEEDED


@LENGTHS
def test_rejection(bench: Bench, inbox: Inbox, new_id: NewId, length: int) -> None:
    """Warm or cold, a query that confirms it and one update."""
    for warm in (True, False):
        account_id = bench.history(new_id(), length)
        bank = bench.warm(account_id) if warm else bench.cold()

        usage = inbox.process(bank, inbox.submit(account_id, CLOSING))

        costs(usage, ["Query", "UpdateItem"], write_units=1, read_units=2)
        assert inbox.ended(account_id) == table.REJECTED


def test_opening_what_is_there(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """Without a read, it is a lost race; then a rejection like any other."""
    account_id = bench.history(new_id(), 1)

    usage = inbox.process(bench.cold(), inbox.submit(account_id, OPENING))

    costs(usage, ["TransactWriteItems", "Query", "UpdateItem"], write_units=5, read_units=2)
    assert inbox.ended(account_id) == table.REJECTED


def test_repetition(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """One transaction that finds the command's end; the event's row was free."""
    account_id = bench.history(new_id(), 20)
    bank, row = bench.warm(account_id), inbox.submit(account_id, CREDIT)
    inbox.process(bank, row)

    costs(inbox.process(bank, row), ["TransactWriteItems"], write_units=4)
    costs(inbox.process(bench.cold(), row), ["Query", "TransactWriteItems"], write_units=4, read_units=2)


def test_lost_race(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """The transaction once more."""
    account_id = bench.history(new_id(), 20)
    bank = bench.warm(account_id)
    bench.warm(account_id).execute(CREDIT, account_id, CONTEXT)

    usage = inbox.process(bank, inbox.submit(account_id, CREDIT))

    costs(usage, ["TransactWriteItems"] * 2, write_units=8)


def test_body_counts_as_long_as_it_is(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """A client may send white space, which is kept: DynamoDB bills the whole item for an update."""
    account_id = bench.history(new_id(), 20)
    row = inbox.submit(account_id, CREDIT, spaces=4000)

    costs(inbox.process(bench.warm(account_id), row), ["TransactWriteItems"], write_units=2 + 2 * 5)


def test_a_batch_of_a_hundred_of_one_account(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """Three transactions and a query before them if the account is cold, with the largest rows there can be."""
    account_id = bench.history(new_id(), 20)
    keys = [f"{number:03}{KEY[3:]}" for number in range(100)]
    commands: list[AnyCommand] = [CREDIT, WITHDRAWAL] * 50
    turns = zip(keys, commands, strict=True)
    records = []
    for number, row in enumerate(inbox.submit(account_id, command, key) for key, command in turns):
        item = inbox.rows.item(account_id, row.key.command_id)
        assert item is not None
        records.append(insert_record(item, number))
    processor = CommandProcessor(bench.cold(), clock=bench.clock)

    with bench.client.measure() as usage:
        assert processor.process(records, lambda: True).succeeded == 100

    costs(usage, ["Query", *["TransactWriteItems"] * 3], write_units=100 * 4, read_units=2)
    assert {inbox.ended(account_id, key) for key in keys} == {table.SUCCEEDED}
    with bench.client.measure() as usage:
        assert processor.process(records, lambda: True).repeated == 100
    costs(usage, ["TransactWriteItems"] * 3, write_units=100 * 4)


def test_rejections_of_one_account(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """Beside an event one costs no Query; alone in their run they share one. In a transaction an item counts twice."""
    account_id = bench.history(new_id(), 20)
    bank = bench.warm(account_id)
    commands: tuple[AnyCommand, ...] = (CLOSING, CREDIT, CLOSING)
    first, second, third = (inbox.submit(account_id, each, key) for each, key in zip(
        commands, ("a" * 64, "b" * 64, "c" * 64), strict=True
    ))  # fmt: skip

    costs(inbox.process(bank, first, second), ["TransactWriteItems"], write_units=4 + 2)
    fourth = inbox.submit(account_id, CLOSING, "d" * 64)
    costs(inbox.process(bank, third, fourth), ["Query", "TransactWriteItems"], write_units=2 * 2, read_units=2)


def test_transfers_of_one_queue(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """A transfer has three actions, so a transaction takes 33."""
    source, target = bench.history(new_id(), 20), bench.history(new_id(), 20)
    keys = [f"{number:03}{KEY[3:]}" for number in range(40)]
    command = Transfer(from_account_id=source, to_account_id=target, amount=1, reference=REFERENCE)
    records = []
    for number, key in enumerate(keys):
        inbox.submit(source, command, key)
        item = inbox.rows.item(source, key)
        assert item is not None
        records.append(insert_record(item, number))
    processor = CommandProcessor(bench.warm(source, target), clock=bench.clock)

    with bench.client.measure() as usage:
        assert processor.process(records, lambda: True).succeeded == 40

    costs(usage, ["TransactWriteItems"] * 2, write_units=40 * 6)


@pytest.mark.parametrize("kind", RuleBrokenError.__subclasses__())
def test_every_rejection_fits_one_write_unit(
    bench: Bench, inbox: Inbox, new_id: NewId, kind: type[RuleBrokenError]
) -> None:
    account_id = new_id()
    command = Transfer(from_account_id=account_id, to_account_id=new_id(), amount=AMOUNT, reference=REFERENCE)
    row = inbox.submit(account_id, command)
    problem = stored_command(Content(row, instruction_of(row)), bench.clock).reject(kind(EXPLANATION)).attributes
    item = inbox.rows.item(account_id, KEY)
    assert item is not None

    ended = {**item, "commit_id": {"S": "c" * 22}, **{name: {"S": text} for name, text in problem.items()}}

    assert item_bytes(ended) <= 1024


def test_nothing_is_metered_twice(bench: Bench, inbox: Inbox, new_id: NewId) -> None:
    """What the meter looks at to know an item's size is no request of the store's."""
    requests: list[str] = []
    account_id = bench.history(new_id(), 20)

    class Counting:
        def __getattr__(self, operation: str) -> Any:
            requests.append(operation)
            return getattr(bench.backend.client, operation)

    client: Any = Counting()
    bench.client = MeteredClient(client)
    usage = inbox.process(bench.warm(account_id), inbox.submit(account_id, CreditAccount(amount=1)))

    assert usage.round_trips == 1
    assert [each for each in requests if each != "get_item"] == ["query", "transact_write_items"]
