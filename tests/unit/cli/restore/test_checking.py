"""`daybook restore check` and `announce`: what was published and is gone is named, and revoked once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.app import main
from cli.errors import ExitStatus
from cli.restore.announcing import Announcer
from cli.restore.copies import RESTORED_TO
from cli.restore.published import RevocationFiles, Told, revokes
from cli.restore.revocations import read_revocations, revocations_file, revocations_key
from lambdas.contracts.domain_events import decode_domain_event
from lambdas.contracts.lake import Revocation
from lambdas.contracts.ledger_events import decode_published
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.publishing.kinesis import KinesisSender
from tests.support.envelopes import printed
from tests.support.publishing import FakeKinesis
from tests.unit.analytics.lake import Lake
from tests.unit.cli.reconcile.ledger import Asked
from tests.unit.cli.restore.history import RESTORED, A, B, C, Item, Stream, copied, short
from tests.unit.cli.restore.test_partial import A_SENT, B_NEWEST, B_RECEIVED, B_SENT, C_RECEIVED, Keep, without
from tests.unit.cli.restore.world import Connected

LOST = {B_SENT, B_NEWEST, C_RECEIVED}


class Bucket:
    """The lake's bucket, as far as it is asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str) -> None:  # noqa: N803
        assert (Bucket, IfNoneMatch) == ("lake", "*")
        if Key in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": "it is there"}}, "PutObject")
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no such key"}}, "GetObject")
        return {"Body": Content(self.objects[Key])}

    def get_paginator(self, operation: str) -> Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": each} for each in self.objects if each.startswith(Prefix)]}]


class Content:
    """The body of an object."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        """All of it."""
        return self._content


class World(Connected):
    """A ledger whose history was published: some of it is in the lake, and all of it in the stream."""

    def __init__(self, connected: Connected, folder: Path) -> None:
        super().__init__(connected.clients)
        self.history = short(self.clients.dynamodb.moto)
        self.lake = Lake(folder / "lake")
        self.files = Bucket()
        self.stream = Stream(self.history.lines())
        self.kinesis = FakeKinesis()
        self.at = self.history.now - timedelta(seconds=3)

    def arrive(self, lines: list[bytes]) -> None:
        """Lines come to the lake on their day."""
        self.lake.arrive(str(self.history.now.date()), [decode_domain_event(line) for line in lines])

    def told(self, place: Any) -> Told:
        return Told(Asked(self.lake), self.stream, RevocationFiles(self.files, "lake"))  # type: ignore[arg-type]

    def announcer(self, place: Any) -> Announcer:
        return Announcer(self.files, "lake", KinesisSender(self.kinesis, stream="domain-events"))

    def run(self, step: str, *more: str) -> int:
        time = f"{format_timestamp(self.at)[:19]}Z"
        return main(["restore", step, "--env", "prod", "--at", time, *more], connections=self)

    def imported(self) -> None:
        """The restored tables are the ledger now."""
        self.clients.cloudformation.outputs["Daybook-prod-Ledger"] |= {
            "EventTableName": RESTORED.events,
            "ReceiptsTableName": RESTORED.receipts,
            "CommandsTableName": RESTORED.commands,
            "LedgerGeneration": "2",
        }


@pytest.fixture
def world(connected: Connected, tmp_path: Path) -> World:
    return World(connected, tmp_path)


def lost(world: World, capsys: pytest.CaptureFixture[str], status: ExitStatus = ExitStatus.OK) -> set[str]:
    assert world.run("check", "--json") == status
    document = printed("restore", capsys)
    return {each["id"] for each in document["data"]["lost"]}


WHOLE = without(B_SENT, B_NEWEST, C_RECEIVED, "end share")


@pytest.mark.parametrize("delivered", [0, 4, 99])
def test_every_lost_event_is_named_wherever_it_is(
    world: World, delivered: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Firehose may have delivered none of it yet, or all, and the stream may have forgotten it."""
    copied(world.clients.dynamodb.moto, WHOLE)
    lines = world.history.lines()
    world.arrive(lines[:delivered] or lines[:1])
    if delivered == 99:
        world.stream.given = []
    assert lost(world, capsys) == LOST


def test_a_check_tells_what_it_compared(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    copied(world.clients.dynamodb.moto, WHOLE)
    world.arrive(world.history.lines())
    assert world.run("check") == ExitStatus.OK
    said = capsys.readouterr()
    assert "3 accounts, 8 events, 3 receipts, 5 stored commands" in said.out
    assert "EUR  1,055 on 3 accounts; transfers 300 sent, 300 received" in said.out
    assert f"3 events lost: published, and not in the restored table\n  {B_SENT}  TransferSent  20" in said.out
    assert "The restored tables are whole." in said.out
    assert "never published" in said.err
    assert "read units" in said.err


def test_a_check_writes_nothing(world: World) -> None:
    dynamodb = world.clients.dynamodb
    copied(dynamodb.moto, without(A_SENT))
    dynamodb.calls.clear()
    assert world.run("check") == ExitStatus.FINDING
    assert dynamodb.calls == []
    assert (world.files.objects, world.kinesis.lines()) == ({}, [])


def test_what_is_mended_is_lost_and_the_check_is_green(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    copied(world.clients.dynamodb.moto, without(B_RECEIVED, B_SENT, B_NEWEST))
    assert lost(world, capsys, ExitStatus.FINDING) == {B_RECEIVED, B_SENT, B_NEWEST}
    assert world.run("mend", "--yes") == ExitStatus.OK
    capsys.readouterr()
    assert lost(world, capsys) == {A_SENT, B_RECEIVED, B_SENT, B_NEWEST, C_RECEIVED}


def changed(event_of: str, **attributes: Item) -> Keep:
    """One row with other attributes."""

    def keep(name: str, item: Item) -> Item:
        ours = name == "events" and f"{item['stream_id']['S']}/{item['version']['N']}" == event_of
        return {**item, **attributes} if ours else item

    return keep


TAMPERED: dict[str, tuple[Keep, str]] = {
    "a row is edited": (changed(f"{A}/2", occurred_at={"S": "2026-01-01T00:00:00.000Z"}), f"{A}/2: the hash does not"),
    "a row is no row": (changed(f"{A}/2", extra={"S": "x"}), f"{A}/2: unexpected attribute or type: extra"),
    "an event does not decode": (changed(f"{A}/2", data={"S": "{"}), f"{A}/2: it does not decode"),
    "a hash is another": (changed(B_NEWEST, hash={"B": bytes(32)}), f"{B_NEWEST} was published with another row hash"),
}


@pytest.mark.parametrize(("keep", "sentence"), TAMPERED.values(), ids=TAMPERED)
def test_what_no_restore_makes_is_a_finding_and_nothing_to_mend(
    world: World, keep: Keep, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(world.clients.dynamodb.moto, keep)
    assert world.run("check") == ExitStatus.FINDING
    assert f"LOOK  {sentence}" in capsys.readouterr().out


def test_an_edited_amount_in_the_lake_is_a_finding(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Its row hash stays: the sums tell."""
    copied(world.clients.dynamodb.moto)
    [credit, *others] = sorted(world.history.lines(), key=lambda line: b'"amount":1000' not in line)
    world.arrive(others)
    world.arrive([credit.replace(b'"amount":1000', b'"amount":1001')])
    assert world.run("check") == ExitStatus.FINDING
    assert "LOOK  EUR: the lake adds the same events up to 1,056, not 1,055" in capsys.readouterr().out


def test_what_an_earlier_restore_revoked_may_not_come_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup of before that restore holds it: the views and every consumer would go on to leave it out."""
    client = world.clients.dynamodb.moto
    copied(client)
    moment = format_timestamp(datetime.fromisoformat("2099-01-01T00:00:00+00:00"))
    stands = Revocation(account_id=A, last_good_version=99, recordedtime=moment, restored_to=moment, generation=2)
    earlier = format_timestamp(datetime.fromisoformat("2020-01-01T00:00:00+00:00"))
    new = Revocation(account_id=C, last_good_version=1, recordedtime=earlier, restored_to=earlier, generation=2)
    back = Revocation(account_id=B, last_good_version=2, recordedtime=moment, restored_to=moment, generation=2)
    world.files.objects[revocations_key(2)] = revocations_file([stands, new, back])
    assert world.run("check") == ExitStatus.FINDING
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("LOOK")]
    assert [line.split(",")[0] for line in found] == [
        f"LOOK  {each} was revoked by the restore that made generation 2" for each in (B_SENT, B_NEWEST)
    ]


@pytest.mark.parametrize(("version", "milliseconds", "revoked"), [(2, -1, False), (3, -1, True), (3, 0, False)])
def test_the_command_draws_the_line_where_views_and_consumers_draw_it(
    version: int, milliseconds: int, revoked: bool
) -> None:
    """The last good version stands, and so does what was recorded at the very moment of the announcement."""
    moment = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
    told = Revocation(
        account_id=A,
        last_good_version=2,
        recordedtime=format_timestamp(moment),
        restored_to=format_timestamp(moment),
        generation=2,
    )
    recorded = moment + timedelta(milliseconds=milliseconds)
    assert revokes(told, version, format_timestamp(recorded)) is revoked


@pytest.mark.parametrize("step", ["check", "announce"])
def test_another_second_than_the_tables_were_restored_to_is_refused(
    world: World, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Heads, sums and what is told to consumers would be those of another restore."""
    client = world.clients.dynamodb.moto
    copied(client, WHOLE)
    if step == "announce":
        world.imported()
    arn = client.describe_table(TableName=RESTORED.events)["Table"]["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": RESTORED_TO, "Value": "2026-01-01T00:00:00Z"}])
    assert world.run(step) == ExitStatus.FINDING
    assert "events-restored-2 was restored to 2026-01-01T00:00:00Z: give that as --at" in capsys.readouterr().err
    assert (world.files.objects, world.kinesis.lines()) == ({}, [])


def test_tables_that_are_not_there_are_a_sentence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.run("check") == ExitStatus.USAGE
    assert "There is no table events-restored-2: `daybook restore run` makes it." in capsys.readouterr().err


# --- announce


def announced(world: World) -> dict[str, int]:
    """The last good version by account, of what was told in the stream; told again, it is the same."""
    found: dict[str, set[bytes]] = {}
    for line in world.kinesis.lines():
        found.setdefault(decode_published(line).subject, set()).add(line)
    documents = [json.loads(line) for lines in found.values() for line in lines]
    assert len(documents) == len(found), "one id, one document"
    return {each["subject"]: each["data"]["last_good_version"] for each in documents}


def test_every_account_concerned_is_told_once_and_the_views_know(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(world.clients.dynamodb.moto, WHOLE)
    world.imported()
    assert world.run("announce", "--json") == ExitStatus.OK
    document = printed("restore", capsys)["data"]
    assert announced(world) == {B: 2, C: 3}
    revoked = read_revocations(world.files.objects[revocations_key(2)])
    assert {each.account_id: each.last_good_version for each in revoked} == {B: 2, C: 3}
    assert document["accounts"][0] == json.loads(json.dumps({
        "account_id": B, "last_good_version": 2, "recordedtime": document["announced_at"],
        "restored_to": format_timestamp(world.at), "generation": 2,
    }))  # fmt: skip
    world.lake.revoke(*revoked)
    world.arrive(world.history.lines())
    kept = {row["id"] for row in world.lake.sql("SELECT id FROM domain_events")}
    assert kept.isdisjoint(LOST)
    assert len(kept) == 8


def test_an_account_of_which_nothing_is_left_stands_up_to_version_0(world: World) -> None:
    gone = without(f"{C}/1", f"{C}/2", f"{C}/3", C_RECEIVED, B_SENT, B_NEWEST, "command salary", "command bonus")
    copied(world.clients.dynamodb.moto, gone)
    world.imported()
    assert world.run("announce") == ExitStatus.OK
    assert announced(world) == {B: 2, C: 0}


def test_what_was_cut_off_is_revoked_however_old_it_is(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that were removed long before the restored second leave a gap, and `mend` cuts all that stands behind it."""
    world.lake.arrive("2020-01-01", [decode_domain_event(line) for line in world.history.lines()])
    world.stream.given = []
    world.at = world.history.now
    copied(world.clients.dynamodb.moto, WHOLE)
    assert lost(world, capsys) == LOST
    world.imported()
    assert world.run("announce") == ExitStatus.OK
    assert announced(world) == {B: 2, C: 3}


def test_told_again_it_tells_the_same_and_revokes_nothing_of_what_came_since(world: World) -> None:
    copied(world.clients.dynamodb.moto, WHOLE)
    world.imported()
    world.run("announce")
    written = dict(world.files.objects)
    world.clients.functions.writes = "on"
    world.stream.given += [line.replace(b'"streamversion":4', b'"streamversion":9') for line in world.history.lines()]
    assert world.run("announce") == ExitStatus.OK
    assert world.files.objects == written
    assert announced(world) == {B: 2, C: 3}


def test_after_the_announcement_nothing_is_lost_any_more(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """And a later restore does not find again what this one has revoked."""
    client = world.clients.dynamodb.moto
    copied(client, WHOLE)
    world.imported()
    world.run("announce")
    world.clients.cloudformation.outputs["Daybook-prod-Ledger"] |= {
        "EventTableName": "events", "ReceiptsTableName": "receipts", "CommandsTableName": "commands",
        "LedgerGeneration": "1",
    }  # fmt: skip
    capsys.readouterr()
    assert lost(world, capsys) == set()


def test_nothing_is_announced_before_the_restored_tables_are_the_ledger(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(world.clients.dynamodb.moto, WHOLE)
    assert world.run("announce") == ExitStatus.USAGE
    assert "first import the restored ones" in capsys.readouterr().err
    assert (world.files.objects, world.kinesis.lines()) == ({}, [])


def test_nothing_is_decided_while_commands_are_taken(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    copied(world.clients.dynamodb.moto, WHOLE)
    world.imported()
    world.clients.functions.writes = "on"
    assert world.run("announce") == ExitStatus.FINDING
    assert "the API takes commands" in capsys.readouterr().err
    assert (world.files.objects, world.kinesis.lines()) == ({}, [])


def test_another_second_is_another_restore(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    copied(world.clients.dynamodb.moto, WHOLE)
    world.imported()
    world.run("announce")
    world.at -= timedelta(seconds=1)
    assert world.run("announce") == ExitStatus.USAGE
    assert "Generation 2 was restored to" in capsys.readouterr().err


def test_an_event_of_a_fast_clock_is_waited_for(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """By its stamp the announcement would not revoke it."""
    copied(world.clients.dynamodb.moto, WHOLE)
    world.imported()
    ahead = format_timestamp(datetime.fromisoformat("2099-01-01T00:00:00+00:00"))
    newest = json.loads(next(line for line in world.history.lines() if B_NEWEST.encode() in line))
    world.stream.given.append(json.dumps(newest | {"recordedtime": ahead}).encode())
    assert world.run("announce") == ExitStatus.FINDING
    assert f"booked at {ahead}, by a fast clock: announce it after that" in capsys.readouterr().err
    assert world.files.objects == {}


def test_a_restore_that_lost_nothing_is_decided_as_well(world: World) -> None:
    """Else a later run would revoke what came since."""
    copied(world.clients.dynamodb.moto)
    world.imported()
    assert world.run("announce") == ExitStatus.OK
    assert read_revocations(world.files.objects[revocations_key(2)]) == []
    assert world.kinesis.lines() == []
