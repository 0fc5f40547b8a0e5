"""Records that say something else than the row that is stored: the row counts, whatever channel brings the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.inbox import table
from tests.support.clocks import START
from tests.support.command_world import TABLES, World, open_bank
from tests.support.commands import Item, Record, command_item, command_record
from tests.support.event_rows import account_id
from tests.support.event_source_mapping import invocation_record, object_key

A, B = account_id(1), account_id(2)
CREDIT = {"type": "CreditAccount", "amount": 5}
FORGERIES: list[dict[str, Any]] = [
    {table.BODY: {"B": json.dumps(CREDIT | {"amount": 5_000_000}).encode()}},
    {table.BODY: {"B": json.dumps(CREDIT, separators=(",", ":")).encode()}},
    {table.BODY: {"B": b"{"}},
    {table.ACTOR: {"S": "AIDASOMEBODYELSE"}},
    {table.SUBMITTED_AT: {"S": "2026-03-01T11:00:00.000Z"}},
    {table.SUBMITTED_AT: {"S": "2026-03-01T12:00:02Z"}},
    {table.CORRELATION_ID: {"S": "order-18"}},
    {table.CORRELATION_ID: None},
]
"""What a forged record says; the third of times is the stored moment in another form. None: it does not say it."""
FORGED = pytest.mark.parametrize("forgery", FORGERIES, ids=lambda each: "-".join(each) if each else "")


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """Two open accounts."""
    return open_bank(monkeypatch, tmp_path, A, B)


def forged(record: Record, forgery: dict[str, Any]) -> Record:
    """The record of the same command, saying something else."""
    keys = record["dynamodb"]["Keys"]
    item: Item = command_item(keys[table.HASH_KEY]["S"], keys[table.RANGE_KEY]["S"], CREDIT)
    item[table.SUBMITTED_AT] = record["dynamodb"]["NewImage"][table.SUBMITTED_AT]
    item = {name: value for name, value in (item | forgery).items() if value is not None}
    return command_record(item, int(record["dynamodb"]["SequenceNumber"])) | {
        "dynamodb": record["dynamodb"] | command_record(item, 1)["dynamodb"] | {"SequenceNumber": "7"}
    }


def counted(capsys: pytest.CaptureFixture[str], name: str) -> list[float]:
    """Every value of a metric, in the order written."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if f'"{name}"' in line]
    return [each[name][0] for each in lines]


@FORGED
def test_a_forged_record_is_not_carried_out_and_the_genuine_one_is(
    bank: World, forgery: dict[str, Any], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    genuine = bank.submit(A, CREDIT)
    before = bank.row(genuine)
    capsys.readouterr()
    bank.invoke([forged(genuine, forgery)])  # not raised: else it would end as FAILED
    assert (bank.row(genuine), bank.account(A)) == (before, (1, 0))
    assert counted(capsys, "CommandsDiffering") == [1.0]
    logs = [vars(each) for each in caplog.records]
    assert [(each["account_id"], each["levelname"]) for each in logs] == [(A, "ERROR")]
    assert "5000000" not in str(logs)
    bank.mapping.deliver([genuine])
    assert (bank.status(genuine), bank.account(A)) == (table.SUCCEEDED, (2, 5))
    assert counted(capsys, "CommandsDiffering") == [0.0]


@FORGED
def test_a_command_that_has_ended_is_told_from_a_forgery_of_it(
    bank: World, forgery: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    genuine = bank.submit(A, CREDIT)
    bank.mapping.deliver([genuine])
    before = bank.row(genuine)
    capsys.readouterr()
    bank.invoke([forged(genuine, forgery)])
    assert (bank.row(genuine), bank.account(A)) == (before, (2, 5))
    assert counted(capsys, "CommandsDiffering") == [1.0]


def test_forged_records_stop_nobody(bank: World) -> None:
    """Neither those behind them in their account, nor other accounts."""
    records = [bank.submit(account, CREDIT) for account in (A, B, A, B)]
    bank.invoke([forged(records[0], FORGERIES[0]), *records[1:]])
    assert [bank.status(each) for each in records] == [table.PENDING, *[table.SUCCEEDED] * 3]


@FORGED
def test_a_parked_object_does_not_end_a_genuine_command(
    bank: World, forgery: dict[str, Any], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may write into the bucket may not end a command by it; the genuine record's object does."""
    genuine = bank.submit(A, CREDIT)
    before = bank.row(genuine)
    capsys.readouterr()
    bank.park(object_key("shard", START), invocation_record([forged(genuine, forgery)], "shard", 3, START))
    assert bank.row(genuine) == before
    assert (counted(capsys, "CommandsDiffering"), len(caplog.records)) == ([1.0], 1)
    bank.park(object_key("shard", START), invocation_record([genuine], "shard", 3, START))
    assert bank.status(genuine) == table.FAILED
    before = bank.row(genuine)
    capsys.readouterr()
    bank.park(object_key("shard", START), invocation_record([forged(genuine, forgery)], "shard", 3, START))
    assert bank.row(genuine) == before
    assert counted(capsys, "CommandsDiffering") == [1.0]


@pytest.mark.parametrize(
    "change",
    [{}, {table.CORRELATION_ID: None}, {table.SUBMITTED_AT: {"S": "2026-03-01T12:00:02+00:00"}}],
    ids=["as stored", "without a correlation id", "a time of another form"],
)
@pytest.mark.parametrize("way", ["--command", "--parked"])
def test_what_redrive_sends_matches_by_construction(bank: World, change: dict[str, Any], way: str) -> None:
    """It fails and says so again, and then it is carried out: both conditions hold for the row as it stands."""
    item: Item = {k: v for k, v in (command_item(A, "c", CREDIT) | change).items() if v is not None}
    bank.dynamodb.put_item(TableName=TABLES.commands, Item=item)
    record = command_record(item, 1)
    bank.poison.add("c")
    bank.mapping.deliver([record])
    assert bank.status(record) == table.FAILED
    which = ["--command", A, "c"] if way == "--command" else ["--parked"]
    assert bank.redrive(*which) == 1
    assert bank.status(record) == table.FAILED, "the marker's condition held"
    bank.poison.clear()
    assert bank.redrive(*which) == 0
    assert (bank.status(record), bank.account(A)) == (table.SUCCEEDED, (2, 5))
    (row,) = bank.store.read(A, after=1, deadline=Deadline()).rows
    assert json.loads(row.metadata)["correlation_id"], "consumers can count on one"


@FORGED
def test_redrive_takes_the_row_and_never_the_object(bank: World, forgery: dict[str, Any]) -> None:
    genuine = bank.submit(A, CREDIT)
    bank.park(object_key("shard", START), invocation_record([forged(genuine, forgery)], "shard", 3, START))
    assert bank.redrive("--parked") == 0
    assert (bank.status(genuine), bank.account(A)) == (table.SUCCEEDED, (2, 5))


def test_the_comparison_costs_no_request(bank: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The condition of the transaction that is sent anyway compares."""
    calls: list[str] = []
    for name in ("get_item", "query", "transact_write_items", "update_item"):
        real: Callable[..., Any] = getattr(bank.dynamodb, name)

        def watched(*, name: str = name, real: Callable[..., Any] = real, **request: Any) -> Any:
            calls.append(name)
            return real(**request)

        monkeypatch.setattr(bank.dynamodb, name, watched)
    bank.invoke([forged(bank.submit(A, CREDIT), FORGERIES[0])])
    assert calls == ["transact_write_items"]
