"""The restore drill, end to end: a ledger loses its last moments and half a transaction, and comes back whole.

The emulator restores a table as it is now, whatever time is asked for. So the drill makes the past itself: of the
restored copies it takes away what was booked after the second, and then some more, as a restore may do with a
transaction. Everything else is what the runbook says, in its order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analytics import catalog
from lambdas.inbox import table
from lambdas.transparency.leaves import Leaf, RestoredLeaf, RowLeaf
from local import system
from local.machine.layout import Layout, default_layout
from local.machine.progress import Progress
from tests.e2e.drill import Drill, next_second
from tests.e2e.waiting import eventually

SALARY = {"type": "CreditAccount", "amount": 50}


@pytest.fixture(scope="module", autouse=True)
def _turn() -> None:
    """It has a system of its own: it waits for nobody, and nobody waits for it."""


@pytest.fixture
def drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drill]:
    """A system of its own: what is restored is gone for everybody."""
    layout = Layout(default_layout().state / "drill")
    monkeypatch.chdir(tmp_path)  # `finish` writes the import's mapping where it is typed
    system.down(layout)
    found = system.up(layout, Progress())
    try:
        yield Drill(layout, found.emulator, found.environment, tmp_path)
    finally:
        system.down(layout)


class Story:
    """What happens before the second, and after it."""

    def __init__(self, drill: Drill) -> None:
        self.drill = drill
        self.sender, self.receiver, self.other = drill.open(), drill.open(), drill.open()
        self.paid = drill.post(f"/accounts/{self.sender}/credit", {"amount": 1000}, "pay")
        self.transfer("rent", 300)
        drill.command(self.other, "salary", SALARY)
        self.wait_for(self.other, "salary")
        drill.command(self.other, "gift", {**self.move(self.other, self.receiver, 20), "type": "Transfer"})
        self.wait_for(self.other, "gift")
        self.credit = drill.post(f"/accounts/{self.receiver}/credit", {"amount": 1}, "tip")

    def go_on(self) -> None:
        """What a restore to the second loses."""
        drill = self.drill
        self.late = drill.post(f"/accounts/{self.sender}/credit", {"amount": 7}, "late")
        self.transfer("lost", 30)
        drill.command(self.other, "bonus", SALARY)
        self.wait_for(self.other, "bonus")
        self.opened_late = drill.open()

    def transfer(self, key: str, amount: int) -> None:
        answer = self.drill.post("/transfers", self.move(self.sender, self.receiver, amount), key)
        assert answer.status == 201, answer

    def move(self, sender: str, receiver: str, amount: int) -> dict[str, Any]:
        return {"from_account_id": sender, "to_account_id": receiver, "amount": amount}

    def wait_for(self, account: str, key: str, status: str = table.SUCCEEDED) -> None:
        eventually(lambda: self.drill.status(account, key) == status, f"{key} to be {status}")


def published(drill: Drill) -> set[str]:
    """The ids in the lake's files, revoked or not."""
    found = drill.sql("SELECT DISTINCT id FROM events WHERE streamversion IS NOT NULL")
    return {row["id"] for row in found}


def make_the_past(drill: Drill, *half: str) -> None:
    """Take out of the restored copies what was booked after the second, and then the rows `half`, and a receipt."""
    client, environment = drill.dynamodb, drill.environment
    events, commands = drill.restored(environment.event_table), drill.restored(environment.commands_table)
    receipts = drill.restored(drill.receipts_table())
    second = f"{drill.time[:-1]}.000Z"
    commits = set()
    for item in drill.items(events):
        key = {name: item[name] for name in ("stream_id", "version")}
        late = item["recorded_at"]["S"] >= second
        if late:
            commits.add(item["commit_id"]["S"])
        if late or f"{item['stream_id']['S']}/{item['version']['N']}" in half:
            client.delete_item(TableName=events, Key=key)
    for item in drill.items(receipts):
        if item["commit_id"]["S"] in commits or item["key"]["S"].endswith("/tip"):
            client.delete_item(TableName=receipts, Key={name: item[name] for name in ("scope", "key")})
    for item in drill.items(commands):
        if item[table.SUBMITTED_AT]["S"] >= second:
            key = {name: item[name] for name in (table.HASH_KEY, table.RANGE_KEY)}
            client.delete_item(TableName=commands, Key=key)


def test_a_ledger_that_was_lost_in_part_comes_back_whole(drill: Drill, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(drill)
    before = drill.ids()
    drill.at = next_second()
    story.go_on()
    written = drill.ids()
    eventually(lambda: published(drill) == written, "everything to be in the lake")
    assert ids_of(drill.seal()) == written, "all of it is in the log, also what will be lost"
    half = next(each for each in before if each == f"{story.receiver}/3")  # what `gift` brought

    drill.deploy(writes="off")
    refused = drill.post(f"/accounts/{story.sender}/credit", {"amount": 1})
    assert (refused.status, refused.problem) == (503, "not-applied")
    assert drill.get(f"/accounts/{story.sender}").status == 200
    assert drill.restore("run") == 0
    make_the_past(drill, half)

    assert drill.restore("check") == 1
    told = capsys.readouterr().out
    assert f"{story.other}/3 has no other side on {story.receiver}" in told
    assert f"{story.receiver}/4" in told
    assert drill.restore("mend") == 1
    assert drill.restore("mend", "--yes") == 0
    capsys.readouterr()
    assert drill.restore("check", "--json") == 0
    lost = {each["id"] for each in json.loads(capsys.readouterr().out)["data"]["lost"]}
    gone = {half, f"{story.receiver}/4", f"{story.other}/3"}
    assert lost == (written - before) | gone, "every lost event is named"

    take_over(drill)
    nobody_is_told_of_it(drill, story, lost, before - gone)
    the_log_holds_what_was_revoked(drill, story, lost)
    assert drill.daybook("redrive", "--pending-before", drill.time) == 0
    drill.deploy(generation=2)
    assert drill.restore("announce") == 0, "told again, it revokes nothing of what came since"
    the_ledger_goes_on(drill, story)
    the_log_goes_on(drill, story)


def take_over(drill: Drill) -> None:
    """The restored tables become the ledger, and everybody is told before commands are taken again."""
    assert drill.restore("finish") == 0
    drill.cdk(
        "import", "Daybook-local/Ledger", "--force", "--resource-mapping",
        str(drill.folder / "restore-local-2.json"), generation=2, writes="off",
    )  # fmt: skip
    assert drill.restore("announce") == 2, "the consumers do not use the restored tables yet"
    drill.deploy(generation=2, writes="off")
    drill.rest_mappings()
    assert drill.restore("announce") == 0


def nobody_is_told_of_it(drill: Drill, story: Story, lost: set[str], standing: set[str]) -> None:
    """What is gone is in no answer and in no view, though it is in the lake's files."""
    assert drill.environment.event_table.endswith("-restored-2")
    assert drill.ids() == standing
    assert {row["id"] for row in drill.sql("SELECT id FROM domain_events")} == standing
    assert published(drill) >= lost
    for each in lost:
        account, _, version = each.partition("/")
        assert drill.get(f"/accounts/{account}", version=version).status == 404
    assert drill.get(f"/accounts/{story.sender}", min_version=4).status == 503
    assert drill.get(f"/accounts/{story.opened_late}").status == 404
    assert drill.status(story.other, "bonus") == "404"
    assert drill.status(story.other, "salary") == table.SUCCEEDED
    assert drill.status(story.other, "gift") == table.PENDING
    consumers_count(drill)


def the_ledger_goes_on(drill: Drill, story: Story) -> None:
    """Who repeats a request is served anew, once; and consumers follow."""
    assert drill.status(story.other, "gift") == table.SUCCEEDED
    again = drill.post(f"/accounts/{story.sender}/credit", {"amount": 7}, "late")
    assert (again.status, again.headers.get("idempotent-replayed")) == (200, None), "it is executed anew"
    assert again.json()["version"] == story.late.json()["version"]
    assert drill.post(f"/accounts/{story.sender}/credit", {"amount": 1000}, "pay").headers["idempotent-replayed"]
    tip = drill.post(f"/accounts/{story.receiver}/credit", {"amount": 1}, "tip")
    assert (tip.status, tip.headers.get("idempotent-replayed"), tip.json()["version"]) == (200, None, 4)
    drill.command(story.other, "bonus", SALARY)
    story.wait_for(story.other, "bonus")
    story.transfer("lost", 30)

    everything = drill.ids()
    eventually(lambda: {row["id"] for row in drill.sql("SELECT id FROM domain_events")} == everything, "the new events")
    consumers_count(drill)
    today = datetime.now(UTC).date().isoformat()
    assert drill.daybook("reconcile", "--from", today, "--settle", "0") == 0


def ids_of(leaves: Iterable[Leaf]) -> set[str]:
    """The ids of the events whose hashes these leaves hold."""
    return {f"{leaf.account_id}/{leaf.version}" for leaf in leaves if isinstance(leaf, RowLeaf)}


def the_log_holds_what_was_revoked(drill: Drill, story: Story, lost: set[str]) -> None:
    """A leaf for each account that lost events says so, and of what is gone there is no proof."""
    added = drill.seal()
    standing = dict.fromkeys((each.partition("/")[0] for each in lost), 0)
    for each in drill.ids():
        account, _, version = each.partition("/")
        if account in standing:
            standing[account] = max(standing[account], int(version))
    assert ids_of(added) == set()
    revoked = {leaf.account_id: leaf.last_good_version for leaf in added if isinstance(leaf, RestoredLeaf)}
    assert revoked == standing
    assert all(leaf.generation == 2 for leaf in added if isinstance(leaf, RestoredLeaf))
    for each in lost:
        account, _, version = each.partition("/")
        assert drill.daybook("prove", account, version) == 1
    assert drill.daybook("prove", story.opened_late, "--history") == 1
    for account, last in standing.items():
        if last:
            assert drill.checked_history(account) == last


def the_log_goes_on(drill: Drill, story: Story) -> None:
    """What came after the restore is sealed behind its leaf, under versions that are in the log for the second time."""
    added = drill.seal()
    assert not any(isinstance(leaf, RestoredLeaf) for leaf in added), "a restore is told once"
    newest = {account: drill.get(f"/accounts/{account}").json()["version"] for account in
              (story.sender, story.receiver, story.other)}  # fmt: skip
    assert ids_of(added) >= {f"{account}/{version}" for account, version in newest.items()}
    for account, version in newest.items():
        assert drill.checked_history(account) == version
    assert drill.seal() == []


def consumers_count(drill: Drill) -> None:
    """The guide's consumer, the views and the report count the table's events, each once."""
    rows = drill.items(drill.environment.event_table)
    kinds = Counter(f"daybook.account.{item['type']['S']}.v1" for item in rows)
    types, stopped = drill.followed()
    assert stopped == {}
    assert {name: count for name, count in types.items() if name.startswith("daybook.account")} == kinds
    hashes = {row["rowhash"] for row in drill.sql("SELECT rowhash FROM domain_events")}
    assert len(hashes) == len(rows)
    days = {item["recorded_at"]["S"][:10] for item in rows}
    report = [row for day in days for row in drill.sql(catalog.query("daily_report").fill({"day": day}))]
    assert sum(row["events"] for row in report) == len(rows)
    credited = sum(json.loads(item["data"]["S"])["amount"] for item in rows if item["type"]["S"] == "BalanceCredited")
    assert sum(row["credited"] for row in report) == credited
    missing = catalog.query("reconciliation").fill({"from_day": min(days), "to_day": max(days)})
    assert sum(row["missing"] for row in drill.sql(missing)) == 0
    assert drill.sql(catalog.query("version_gaps").fill({})) == []
