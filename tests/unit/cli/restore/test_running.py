"""`daybook restore run`: three tables at one second, with all their settings, however often it is begun."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.app import main
from cli.restore.copies import RESTORED_TO
from tests.unit.cli.restore.world import AT, KEY, TAGS, TIME, Connected, DynamoDB

pytestmark = pytest.mark.usefixtures("without_windows", "without_pauses")
WORDS = ["restore", "run", "--env", "prod", "--at", TIME]
RESTORE = "restore_table_to_point_in_time"
NAMES = ("events", "receipts", "commands")


@pytest.fixture
def dynamodb(connected: Connected) -> DynamoDB:
    found: DynamoDB = connected.clients.dynamodb
    return found


def settings(dynamodb: DynamoDB, name: str) -> dict[str, Any]:
    """What is on a table, read past the command."""
    table = dynamodb.moto.describe_table(TableName=name)["Table"]
    backups = dynamodb.moto.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    expiry = dynamodb.moto.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return {
        "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "expiry": expiry.get("AttributeName"),
        "protected": table["DeletionProtectionEnabled"],
        "stream": table.get("StreamSpecification", {}).get("StreamViewType"),
        "tags": dynamodb.moto.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"],
    }


def test_all_tables_go_back_to_the_same_second_with_the_ledgers_key(connected: Connected, dynamodb: DynamoDB) -> None:
    assert main(WORDS, connections=connected) == 0
    assert dynamodb.asked_for(RESTORE) == [
        {
            "SourceTableName": name,
            "TargetTableName": f"{name}-restored-2",
            "RestoreDateTime": AT,
            "BillingModeOverride": "PAY_PER_REQUEST",
            "SSESpecificationOverride": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
        }
        for name in NAMES
    ]


def test_what_a_restore_leaves_out_is_put_back_but_streams_and_policy(
    connected: Connected, dynamodb: DynamoDB, capsys: pytest.CaptureFixture[str]
) -> None:
    """They wait for the mending: a stream would tell of the rows that it cuts off, and the policy would forbid it."""
    assert main([*WORDS, "--json"], connections=connected) == 0
    found = {name: settings(dynamodb, f"{name}-restored-2") for name in NAMES}
    tags = [*TAGS, {"Key": RESTORED_TO, "Value": TIME}]
    common = {"recovery": "ENABLED", "protected": True, "stream": None}
    for name, expiry in (("events", None), ("receipts", "expires_at"), ("commands", "expires_at")):
        own = found[name]
        assert sorted(own.pop("tags"), key=str) == sorted(tags, key=str)
        assert own == {**common, "expiry": expiry}
    assert dynamodb.asked_for("put_resource_policy") == []
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["step"], data["generation"], data["restored_to"]) == ("run", 2, TIME)
    assert data["tables"][0]["settings"] == [
        "point-in-time recovery", "tags", "deletion protection", "encryption by the ledger's key",
    ]  # fmt: skip
    assert [each["command"].split()[2] for each in data["lines"]] == ["check", "mend", "finish"]


def test_repeated_it_changes_nothing(connected: Connected, dynamodb: DynamoDB) -> None:
    assert main(WORDS, connections=connected) == 0
    dynamodb.calls.clear()
    assert main(WORDS, connections=connected) == 0
    asked = {name for name, _ in dynamodb.calls}
    assert {each for each in asked if not each.startswith(("describe_", "list_", "get_"))} == set()


@pytest.mark.parametrize(
    "death",
    [
        "events-restored-2", "receipts-restored-2", "commands-restored-2",
        "update_continuous_backups", "update_time_to_live", "tag_resource", "update_table",
    ],
)  # fmt: skip
def test_killed_anywhere_it_goes_on(connected: Connected, dynamodb: DynamoDB, death: str) -> None:
    dynamodb.dies_before = death
    assert main(WORDS, connections=connected) == 130
    dynamodb.dies_before = ""
    assert main(WORDS, connections=connected) == 0
    restored = [words["TargetTableName"] for words in dynamodb.asked_for(RESTORE)]
    assert restored == [f"{name}-restored-2" for name in NAMES]  # each of them once
    assert all(settings(dynamodb, f"{name}-restored-2")["protected"] for name in NAMES)


def test_a_restore_whose_answer_was_lost_has_begun(connected: Connected, dynamodb: DynamoDB) -> None:
    dynamodb.answer_is_lost = True
    assert main(WORDS, connections=connected) == 0
    assert len(dynamodb.asked_for(RESTORE)) == 3


def test_a_setting_counts_once_it_is_read_back(
    connected: Connected, dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cli.restore.settings.SETTING_SECONDS", 0.0)
    for operation in ("update_continuous_backups", "update_time_to_live", "tag_resource", "update_table"):
        dynamodb.deaf_to = operation
        assert main(WORDS, connections=connected) == 3, operation
        assert "cannot be read back. Repeating the command goes on." in capsys.readouterr().err
        dynamodb.deaf_to = ""
    assert main(WORDS, connections=connected) == 0


def test_it_waits_until_all_is_copied(connected: Connected, dynamodb: DynamoDB) -> None:
    dynamodb.busy = 20
    assert main(WORDS, connections=connected) == 0
    assert dynamodb.busy < 0
    assert dynamodb.asked_for("tag_resource")


def test_a_restore_without_end_is_given_up_and_can_be_taken_up(
    connected: Connected, dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cli.restore.running.RESTORE_SECONDS", 0.0)
    dynamodb.busy = 1_000_000
    assert main(WORDS, connections=connected) == 3
    assert "events-restored-2 is not restored yet. Repeating the command goes on." in capsys.readouterr().err
    dynamodb.busy = 0
    assert main(WORDS, connections=connected) == 0


def test_another_second_is_refused_while_the_tables_of_the_first_are_there(
    connected: Connected, dynamodb: DynamoDB, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(WORDS, connections=connected) == 0
    dynamodb.calls.clear()
    assert main([*WORDS[:-1], "2026-03-01T09:29:59Z"], connections=connected) == 1
    assert f"events-restored-2 is there already and was restored to {TIME}" in capsys.readouterr().err
    assert dynamodb.asked_for(RESTORE) == []


def test_a_table_of_that_name_that_is_no_copy_is_refused_before_anything_is_begun(
    connected: Connected, dynamodb: DynamoDB, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb.moto.create_table(
        TableName="commands-restored-2",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "account_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "account_id", "AttributeType": "S"}],
    )
    assert main(WORDS, connections=connected) == 1
    assert "commands-restored-2 is there already and was made otherwise" in capsys.readouterr().err
    assert dynamodb.asked_for(RESTORE) == []


def test_a_copy_under_another_key_is_refused(
    connected: Connected, dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key cannot be put back: a restore can take another one only if somebody asked for it."""
    real = dynamodb.moto.describe_table

    def described(*, TableName: str) -> Any:  # noqa: N803
        answer = real(TableName=TableName)
        answer["Table"]["SSEDescription"] = {"KMSMasterKeyArn": "other" if "restored" in TableName else "own"}
        return answer

    monkeypatch.setattr(dynamodb.moto, "describe_table", described)
    assert main(WORDS, connections=connected) == 1
    assert "events-restored-2 is encrypted by the key other, and events by own" in capsys.readouterr().err


class TestAfterATableWasDeleted:
    """Then only a backup has it, and whoever restored that has told the second by the tag."""

    @pytest.fixture
    def found(self, connected: Connected, dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """The key of each restored table, which AWS tells and moto does not."""
        keys = dict.fromkeys((f"{name}-restored-2" for name in NAMES), f"arn:aws:kms:eu-central-1:1:key/{KEY}")
        assert main(WORDS, connections=connected) == 0
        dynamodb.moto.delete_table(TableName="events")
        real = dynamodb.moto.describe_table

        def described(*, TableName: str) -> Any:  # noqa: N803
            answer = real(TableName=TableName)
            answer["Table"]["SSEDescription"] = {"KMSMasterKeyArn": keys.get(TableName, f"key/{KEY}")}
            return answer

        monkeypatch.setattr(dynamodb.moto, "describe_table", described)
        return keys

    def test_the_rest_of_the_way_is_the_same(self, connected: Connected, found: dict[str, str]) -> None:
        assert main(WORDS, connections=connected) == 0

    def test_its_key_is_the_declared_one(
        self, connected: Connected, found: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        found["events-restored-2"] = "arn:aws:kms:eu-central-1:1:key/other"
        assert main(WORDS, connections=connected) == 1
        assert f"events-restored-2 is encrypted by the key other, and events by {KEY}" in capsys.readouterr().err


class TestWhileSomethingWrites:
    """Nothing is begun, and the line to type is told."""

    @pytest.fixture(autouse=True)
    def _nothing_is_begun(self, connected: Connected, capsys: pytest.CaptureFixture[str]) -> Any:
        yield
        assert main(WORDS, connections=connected) == 1
        assert "First: cdk deploy '**' -c env=prod -c writes=off" in capsys.readouterr().err
        assert connected.clients.dynamodb.asked_for(RESTORE) == []

    @pytest.mark.parametrize("writes", ["on", ""])
    def test_the_api(self, connected: Connected, writes: str) -> None:
        connected.clients.functions.writes = writes

    def test_half_a_deployment(self, connected: Connected) -> None:
        connected.clients.functions.shifting = {"7": 0.1}

    @pytest.mark.parametrize("mapping", ["mapping-of-events", "mapping-of-commands"])
    @pytest.mark.parametrize("state", ["Enabled", "Disabling"])
    def test_a_mapping(self, connected: Connected, mapping: str, state: str) -> None:
        connected.clients.functions.states[mapping] = state

    @pytest.mark.parametrize("stack", ["Api", "Commands", "Publisher"])
    def test_a_stack_that_is_being_deployed(self, connected: Connected, stack: str) -> None:
        connected.clients.cloudformation.statuses[f"Daybook-prod-{stack}"] = "UPDATE_IN_PROGRESS"
