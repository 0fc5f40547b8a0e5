"""Commits that a restore brought back in part: each is found, and mended until only whole ones are left."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cli.app import main
from cli.errors import ExitStatus
from cli.restore.contents import Account, Contents, read_contents
from cli.restore.names import Tables as Names
from cli.restore.partial import find_partial
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox import table
from lambdas.service.derived_ids import effect_id, is_derived
from tests.support.event_rows import ACCOUNT, credited
from tests.support.runs import seeds
from tests.unit.cli.restore.history import (
    RESTORED,
    A,
    B,
    C,
    History,
    Item,
    at_random,
    copied,
    event_id,
    items_of,
    pending_again,
    short,
)
from tests.unit.cli.restore.world import TIME, Connected

NAMES = Names(2, RESTORED.events, RESTORED.receipts, RESTORED.commands)
Keep = Callable[[str, Item], Item | None]
SEEDS = seeds(check=5, test=25, soak=500)


def contents(connected: Connected) -> Contents:
    return read_contents(connected.clients.dynamodb.moto, NAMES)


def without(*gone: str) -> Keep:
    """All but these rows, receipts (`receipt KEY`) and ends of stored commands (`end KEY`, or `command KEY`, whole)."""

    def keep(name: str, item: Item) -> Item | None:
        if name == "events":
            return None if event_id(item) in gone else item
        if name == "receipts":
            return None if f"receipt {item['key']['S'].removeprefix('tester/')}" in gone else item
        key = item[table.RANGE_KEY]["S"].removeprefix("tester/")
        if f"command {key}" in gone:
            return None
        return pending_again(item) if f"end {key}" in gone else item

    return keep


def found(connected: Connected) -> dict[str, list[str]]:
    """What is not whole: events that cannot stand, receipts and commands by their keys."""
    partial = find_partial(contents(connected), utc_now())
    cut = [f"{each.account_id}/{version}" for each in partial.cuts for version in range(each.first, each.last + 1)]
    return {
        "cut": cut,
        "receipts": sorted(each.key.removeprefix("tester/") for each in partial.receipts),
        "reopened": sorted(each.command_id.removeprefix("tester/") for each in partial.reopened),
        "ended": sorted(each.command.command_id.removeprefix("tester/") for each in partial.ended),
    }


NOTHING: dict[str, list[str]] = {"cut": [], "receipts": [], "reopened": [], "ended": []}
A_SENT, B_RECEIVED, B_SENT, C_RECEIVED, B_NEWEST = f"{A}/3", f"{B}/2", f"{B}/3", f"{C}/4", f"{B}/4"
PARTS: dict[str, tuple[Keep, dict[str, list[str]]]] = {
    "nothing is gone": (without(), {}),
    "all of a commit is gone": (without(B_NEWEST), {}),
    "a transfer was not received": (
        without(B_RECEIVED, B_SENT, B_NEWEST),
        {"cut": [A_SENT, C_RECEIVED], "receipts": ["rent"], "reopened": ["share"]},
    ),
    "a transfer was not sent": (
        without(A_SENT),
        {"cut": [B_RECEIVED, B_SENT, B_NEWEST, C_RECEIVED], "receipts": ["rent"], "reopened": ["share"]},
    ),
    "a receipt is gone": (without("receipt pay"), {
        "cut": [f"{A}/2", A_SENT, B_RECEIVED, B_SENT, B_NEWEST, C_RECEIVED],
        "receipts": ["rent"], "reopened": ["share"],
    }),
    "the receipt of a transfer is gone": (
        without("receipt rent"), {"cut": [A_SENT, B_RECEIVED, B_SENT, B_NEWEST, C_RECEIVED], "reopened": ["share"]},
    ),
    "a refusal's receipt is gone": (without("receipt too much"), {}),
    "an event is gone and its receipt is not": (
        without(f"{A}/2", A_SENT, B_RECEIVED, B_SENT, B_NEWEST, C_RECEIVED, "receipt rent", "end share"),
        {"receipts": ["pay"]},
    ),
    "a stored command is gone and its event is not": (
        without("command bonus"), {"cut": [f"{C}/3", C_RECEIVED, B_SENT, B_NEWEST], "reopened": ["share"]},
    ),
    "the end of a stored command is gone": (without("end salary"), {"ended": ["salary"]}),
    "the end of a stored transfer is gone": (without("end share"), {"ended": ["share"]}),
    "the end and the event are gone": (without(B_SENT, B_NEWEST, C_RECEIVED, "end share"), {}),
    "the event of a stored command is gone": (without(B_SENT, B_NEWEST, C_RECEIVED), {"reopened": ["share"]}),
    "a run of stored commands is cut in the middle": (
        without(f"{C}/3", C_RECEIVED, B_SENT, B_NEWEST, "end share"), {"reopened": ["bonus"]},
    ),
    "a row is gone below others": (
        without(f"{C}/2"),
        {"cut": [f"{C}/2", f"{C}/3", C_RECEIVED, B_SENT, B_NEWEST], "reopened": ["bonus", "salary", "share"]},
    ),
    "an account is gone": (
        without(f"{C}/1", f"{C}/2", f"{C}/3", C_RECEIVED),
        {"cut": [B_SENT, B_NEWEST], "reopened": ["bonus", "salary", "share"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("keep", "expected"), PARTS.values(), ids=PARTS)
def test_what_is_there_in_part_is_found_and_mended_to_the_end(
    connected: Connected, keep: Keep, expected: dict[str, list[str]]
) -> None:
    dynamodb = connected.clients.dynamodb
    history = short(dynamodb.moto)
    copied(dynamodb.moto, keep)
    told = found(connected)
    assert {name: sorted(each) for name, each in told.items()} == {
        name: sorted(each) for name, each in (NOTHING | expected).items()
    }
    before = [items_of(dynamodb.moto, each) for each in RESTORED]
    status = ExitStatus.FINDING if expected else ExitStatus.OK
    assert mend(connected) == status
    assert [items_of(dynamodb.moto, each) for each in RESTORED] == before, "without --yes nothing is changed"
    assert mend(connected, "--yes") == ExitStatus.OK
    assert found(connected) == NOTHING
    judge(history)
    after = [items_of(dynamodb.moto, each) for each in RESTORED]
    assert mend(connected, "--yes") == ExitStatus.OK
    assert [items_of(dynamodb.moto, each) for each in RESTORED] == after


def mend(connected: Connected, *more: str) -> int:
    return main(["restore", "mend", "--env", "prod", "--at", TIME, *more], connections=connected)


def judge(history: History) -> None:
    """Only whole commits are left: told from the original tables, which know what belonged together."""
    original = {(row.stream_id, row.version): row for row in history.rows()}
    rows = history.rows(RESTORED)
    kept = {(row.stream_id, row.version) for row in rows}
    assert all(row == original[row.stream_id, row.version] for row in rows), "no row is changed"
    for account, version in kept:
        assert version == 1 or (account, version - 1) in kept, "no gap"
    by_command: dict[str, list[tuple[str, int]]] = {}
    for place, row in original.items():
        by_command.setdefault(json.loads(row.metadata)["command_id"], []).append(place)
    for places in by_command.values():
        assert len(set(places) & kept) in {0, len(places)}, "both sides of a transfer, or none"
    commits = {original[place].commit_id for place in kept}
    receipts = items_of(history.client, RESTORED.receipts)
    for item in receipts:
        assert json.loads(item["response"]["S"])["status"] == 422 or item["commit_id"]["S"] in commits
    keyed = {original[place].commit_id for place in kept if json.loads(original[place].metadata).get("keyed")}
    assert keyed <= {item["commit_id"]["S"] for item in receipts}, "who repeats a keyed request gets its answer"
    before = {_key(item): item for item in items_of(history.client, "commands")}
    effects = {json.loads(original[place].metadata)["command_id"] for place in kept}
    for item in items_of(history.client, RESTORED.commands):
        happened = effect_id(*_key(item)) in effects
        assert (item[table.STATUS]["S"] == table.SUCCEEDED) == happened
        if happened:
            ended = {*before[_key(item)]} - {table.COMPLETED_AT}
            assert {name: item.get(name) for name in ended} == {name: before[_key(item)][name] for name in ended}
        elif item[table.STATUS]["S"] == table.PENDING:
            assert item == pending_again(item), "as if it had never been carried out"
    stored = {_key(item) for item in items_of(history.client, RESTORED.commands)}
    assert {each for each in effects if is_derived(each)} <= {effect_id(*each) for each in stored}


def _key(item: Item) -> tuple[str, str]:
    return item[table.HASH_KEY]["S"], item[table.RANGE_KEY]["S"]


@pytest.mark.thousands
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_torn_is_mended(connected: Connected, seed: int) -> None:
    """Of the newest third of all items each may be gone, or not ended yet; and after all of it some more."""
    rng = random.Random(seed)
    client = connected.clients.dynamodb.moto
    history = at_random(client, rng, commands=rng.randint(5, 40))
    share = rng.choice((0.05, 0.2, 0.6))
    newest = Counter(row.stream_id for row in history.rows())

    def keep(name: str, item: Item) -> Item | None:
        if name == "events" and int(item["version"]["N"]) <= newest[item["stream_id"]["S"]] * 2 // 3:
            return item
        if rng.random() > share:
            return item
        ended = name == "commands" and item[table.STATUS]["S"] == table.SUCCEEDED
        return pending_again(item) if ended and rng.random() < 0.8 else None

    copied(client, keep)
    assert mend(connected, "--yes") == ExitStatus.OK
    assert found(connected) == NOTHING
    judge(history)


def test_a_row_that_changed_since_it_was_read_is_left(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is removed as it was read, or not at all."""
    dynamodb = connected.clients.dynamodb
    short(dynamodb.moto)
    copied(dynamodb.moto, without(A_SENT))
    real = dynamodb.delete_item
    stream_id, _, version = B_NEWEST.partition("/")
    key = {"stream_id": {"S": stream_id}, "version": {"N": version}}

    def overtaken(**words: Any) -> Any:
        if words["Key"] == key:
            dynamodb.moto.update_item(
                TableName=RESTORED.events, Key=key, UpdateExpression="SET #hash = :other",
                ExpressionAttributeNames={"#hash": "hash"}, ExpressionAttributeValues={":other": {"B": bytes(32)}},
            )  # fmt: skip
        return real(**words)

    monkeypatch.setattr(dynamodb, "delete_item", overtaken, raising=False)
    mend(connected, "--yes")
    assert "Item" in dynamodb.moto.get_item(TableName=RESTORED.events, Key=key)


@pytest.mark.parametrize(("dies", "after"), [("delete_item", 1), ("delete_item", 3), ("update_item", 0)])
def test_killed_anywhere_it_leaves_no_gap_and_can_be_repeated(
    connected: Connected, dies: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb = connected.clients.dynamodb
    history = short(dynamodb.moto)
    copied(dynamodb.moto, without(A_SENT))
    calls = Counter[str]()
    real = getattr(dynamodb, dies)

    def killed(**words: Any) -> Any:
        calls[dies] += 1
        if calls[dies] > after:
            raise KeyboardInterrupt
        return real(**words)

    with monkeypatch.context() as dying:
        dying.setattr(dynamodb, dies, killed, raising=False)
        assert mend(connected, "--yes") == ExitStatus.INTERRUPTED
    versions = {(row.stream_id, row.version) for row in history.rows(RESTORED)}
    assert {(account, version - 1) for account, version in versions if version > 1} <= versions
    assert mend(connected, "--yes") == ExitStatus.OK
    assert found(connected) == NOTHING
    judge(history)


@pytest.mark.parametrize("order", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]])
@pytest.mark.parametrize("gone", [0, 1, 3, 4])
def test_rows_may_come_in_any_order(order: list[int], gone: int) -> None:
    account = Account(ACCOUNT)
    for version in order:
        if version != gone:
            account.add(credited(version))
    assert account.broken is None
    assert (account.head, account.newest) == ((gone or 5) - 1, 3 if gone == 4 else 4)
    assert account.balance(account.head) == 250 * account.head


def test_a_receipt_that_has_expired_need_not_be_there(connected: Connected) -> None:
    client = connected.clients.dynamodb.moto
    short(client)
    copied(client, without("receipt pay", "receipt rent"))
    assert found(connected)["cut"]
    later = utc_now() + timedelta(days=7)
    assert not find_partial(contents(connected), later).cuts


def test_a_rejected_command_whose_event_stands_is_nothing_that_a_restore_makes(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    client = connected.clients.dynamodb.moto
    short(client)

    def keep(name: str, item: Item) -> Item:
        ours = name == "commands" and item[table.RANGE_KEY]["S"] == "tester/salary"
        return {**item, table.STATUS: {"S": table.REJECTED}} if ours else item

    copied(client, keep)
    assert mend(connected, "--yes") == ExitStatus.FINDING
    assert "tester/salary" in capsys.readouterr().out
    assert found(connected) == NOTHING


def test_nothing_is_cut_from_a_ledger_that_is_live(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the restored tables are imported, `mend` means the next ones, which are not there."""
    client = connected.clients.dynamodb.moto
    short(client)
    copied(client, without(A_SENT))
    connected.clients.cloudformation.outputs["Daybook-prod-Ledger"] |= {
        "EventTableName": RESTORED.events,
        "ReceiptsTableName": RESTORED.receipts,
        "CommandsTableName": RESTORED.commands,
        "LedgerGeneration": "2",
    }
    before = items_of(client, RESTORED.events)
    assert mend(connected, "--yes") == ExitStatus.USAGE
    assert "events-restored-3" in capsys.readouterr().err
    assert items_of(client, RESTORED.events) == before
