"""A busy account: how much quicker a run is than a transaction for each command, and that neighbours do not starve.

With `most_commands=1` each command is a transaction of its own, which is what runs took the place of.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lambdas.eventsourcing.limits import MAX_RUN_BYTES, MAX_RUN_COMMANDS
from lambdas.inbox import table
from lambdas.inbox.deliveries import read_delivery
from lambdas.inbox.runs import runs_of
from tests.support.clocks import START
from tests.support.command_world import TABLES, World, new_world
from tests.support.commands import Record, command_item, command_record, new_processor
from tests.support.dynamodb_tables import store_on
from tests.support.event_rows import account_id
from tests.support.latency import ACTION, ROUND_TRIP, SlowClient, hot_account_rate

HOT, *NEIGHBOURS = (account_id(number) for number in range(1, 6))
OPEN = {"type": "OpenAccount", "currency": "EUR"}
CREDIT = {"type": "CreditAccount", "amount": 1}


@pytest.mark.parametrize(("action", "ratio"), [(0.0, 20), (ACTION, 10)], ids=["round trips", "actions, too"])
def test_one_hot_account_is_many_times_as_quick(action: float, ratio: float) -> None:
    """`make bench` prints it. On AWS write units bound an account at 333 commands a second (README)."""
    assert hot_account_rate(action=action) >= ratio * hot_account_rate(most_commands=1, action=action)


ARRIVAL_SECONDS = 10.0
PACE = 5_000.0
"""A command stands for thousands: requests are this much slower, but for the 20 hours that a record lives."""
FLOOD = 4_500
NEIGHBOUR_EVERY = 30


def flooded(bank: World, most_commands: int) -> tuple[Counter[str], Counter[str]]:
    """Half a day in which one account gets commands quicker than one by one; how all ended, its own and the others."""
    client = SlowClient(bank.dynamodb, bank.time, round_trip=PACE * ROUND_TRIP, action=PACE * ACTION)
    processor: Any = bank.processor
    processor._processor = new_processor(store_on(client, TABLES), bank.time.wall, most_commands=most_commands)
    waiting = deque(submit_flood(bank))
    records = list(waiting)
    while waiting:
        bank.time.sleep(max(0.0, (arrival(waiting[0]) - bank.time.wall()).total_seconds()))
        batch: list[Record] = []
        while waiting and len(batch) < 100 and arrival(waiting[0]) <= bank.time.wall():
            batch.append(waiting.popleft())
        bank.mapping.deliver(batch)
    hot = Counter(bank.status(each) for each in records if account_of(each) == HOT)
    return hot, Counter(bank.status(each) for each in records if account_of(each) != HOT)


def submit_flood(bank: World) -> list[Record]:
    """Stored in order: every account is opened; then the flood, and among it commands of the others."""
    commands: list[tuple[str, Any]] = [(account, OPEN) for account in (HOT, *NEIGHBOURS)]
    for number in range(FLOOD):
        commands.append((HOT, CREDIT))
        if number % NEIGHBOUR_EVERY == 0:
            commands.append((NEIGHBOURS[number // NEIGHBOUR_EVERY % len(NEIGHBOURS)], CREDIT))
    records = []
    for number, (account, body) in enumerate(commands):
        moment = START + timedelta(seconds=ARRIVAL_SECONDS * number)
        item = command_item(account, f"c{number}", body, moment)
        bank.dynamodb.put_item(TableName=TABLES.commands, Item=item)
        record = command_record(item, number)
        record["dynamodb"]["ApproximateCreationDateTime"] = moment.timestamp()
        records.append(record)
    return records


def account_of(record: Record) -> str:
    return str(record["dynamodb"]["Keys"][table.HASH_KEY]["S"])


def arrival(record: Record) -> datetime:
    seconds = record["dynamodb"]["ApproximateCreationDateTime"] - START.timestamp()
    return START + timedelta(seconds=seconds)


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return new_world(monkeypatch, tmp_path)


def test_a_flood_of_hours_on_one_account_leaves_its_neighbours_all_succeeding(bank: World) -> None:
    hot, others = flooded(bank, MAX_RUN_COMMANDS)
    assert set(hot) == set(others) == {table.SUCCEEDED}
    assert bank.account(HOT) == (FLOOD + 1, FLOOD)
    assert bank.time.monotonic() < 1.1 * ARRIVAL_SECONDS * (FLOOD + FLOOD / NEIGHBOUR_EVERY), "it keeps up"


def test_one_by_one_the_flood_has_its_neighbours_given_up_untried(bank: World) -> None:
    """Planted: this is what runs are for, and that the model shows it."""
    hot, others = flooded(bank, 1)
    assert hot[table.FAILED] > 0
    assert others[table.FAILED] > 0


def test_runs_are_as_long_as_a_transaction_takes() -> None:
    """49 commands, 100 actions, or 3 MB in which bodies stand twice."""

    def lengths(count: int, body: bytes) -> list[int]:
        records = [command_record(command_item(HOT, f"c{n}", body), n) for n in range(count)]
        return [len(run) for run in runs_of([read_delivery(each) for each in records])]

    transfer = b'{"type":"Transfer","from_account_id":"%s","to_account_id":"%s","amount":1}' % (
        HOT.encode(),
        NEIGHBOURS[0].encode(),
    )
    assert lengths(100, b'{"type":"CloseAccount"}') == [49, 49, 2]
    assert lengths(100, transfer) == [33, 33, 33, 1]
    largest = b'{"type":"CloseAccount"}' + b" " * (64 * 1024 - 23)
    assert lengths(100, largest)[0] == MAX_RUN_BYTES // (2 * 64 * 1024 + 3 * 1024) == 23
    assert lengths(0, b"") == []
