"""`daybook restore finish`: the last settings, and what the import needs to know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from cli.restore.settings import same_policy
from tests.unit.cli.restore.world import POLICY, TIME, Connected, DynamoDB

pytestmark = pytest.mark.usefixtures("without_windows", "without_pauses")
RUN = ["restore", "run", "--env", "prod", "--at", TIME]
WORDS = ["restore", "finish", "--env", "prod", "--at", TIME]

DENIED: dict[str, Any] = {
    "Sid": "AppendOnly", "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "*",
    "Action": ["dynamodb:DeleteItem", "dynamodb:UpdateItem"],
}  # fmt: skip


@pytest.fixture
def dynamodb(connected: Connected) -> DynamoDB:
    found: DynamoDB = connected.clients.dynamodb
    return found


def test_streams_and_the_append_only_policy_come_last(connected: Connected, dynamodb: DynamoDB) -> None:
    assert main(RUN, connections=connected) == 0
    assert main(WORDS, connections=connected) == 0
    views = {}
    for name in ("events", "receipts", "commands"):
        table = dynamodb.moto.describe_table(TableName=f"{name}-restored-2")["Table"]
        views[name] = table.get("StreamSpecification", {}).get("StreamViewType")
    assert views == {"events": "NEW_IMAGE", "receipts": None, "commands": "NEW_IMAGE"}
    events = dynamodb.moto.describe_table(TableName="events-restored-2")["Table"]["TableArn"]
    assert json.loads(dynamodb.moto.get_resource_policy(ResourceArn=events)["Policy"]) == POLICY
    assert [words["ResourceArn"] for words in dynamodb.asked_for("put_resource_policy")] == [events]


def test_the_mapping_names_the_resources_of_the_next_generation(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(RUN, connections=connected) == 0
    assert not list(Path().iterdir())
    capsys.readouterr()
    assert main([*WORDS, "--json"], connections=connected) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["mapping_file"] == "restore-prod-2.json"
    assert json.loads(Path("restore-prod-2.json").read_text()) == {
        "EventsGeneration2": {"TableName": "events-restored-2"},
        "ReceiptsGeneration2": {"TableName": "receipts-restored-2"},
        "CommandsGeneration2": {"TableName": "commands-restored-2"},
    }
    assert data["lines"][1]["command"].endswith("--resource-mapping restore-prod-2.json")


GIVEN_BACK: dict[str, tuple[dict[str, Any], bool]] = {
    "as it was put": (DENIED, True),
    "lists of one": ({**DENIED, "Resource": ["*"], "Principal": {"AWS": ["*"]}}, True),
    "everybody by a star": ({**DENIED, "Principal": "*"}, True),
    "in another order": ({**DENIED, "Action": DENIED["Action"][::-1]}, True),
    "an action less": ({**DENIED, "Action": DENIED["Action"][:1]}, False),
    "another effect": ({**DENIED, "Effect": "Allow"}, False),
    "somebody else": ({**DENIED, "Principal": {"AWS": "123456789012"}}, False),
    "under a condition": ({**DENIED, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
}


@pytest.mark.parametrize(("statement", "same"), GIVEN_BACK.values(), ids=GIVEN_BACK)
def test_a_policy_is_known_again_in_another_spelling(statement: dict[str, Any], same: bool) -> None:
    """Else `finish` would wait for its deadline, and end as if the policy were not there."""
    declared = {"Version": "2012-10-17", "Statement": [DENIED]}
    assert same_policy({"Version": "2012-10-17", "Statement": [statement]}, declared) is same
    assert not same_policy(None, declared)


def test_repeated_it_changes_nothing(connected: Connected, dynamodb: DynamoDB) -> None:
    for words in (RUN, WORDS):
        assert main(words, connections=connected) == 0
    dynamodb.calls.clear()
    assert main(WORDS, connections=connected) == 0
    assert all(name.startswith(("describe_", "list_", "get_")) for name, _ in dynamodb.calls)


@pytest.mark.parametrize("death", ["update_table", "put_resource_policy"])
def test_killed_anywhere_it_goes_on(connected: Connected, dynamodb: DynamoDB, death: str) -> None:
    assert main(RUN, connections=connected) == 0
    dynamodb.dies_before = death
    assert main(WORDS, connections=connected) == 130
    assert not Path("restore-prod-2.json").exists()
    dynamodb.dies_before = ""
    assert main(WORDS, connections=connected) == 0
    assert Path("restore-prod-2.json").exists()


def test_without_restored_tables_there_is_nothing_to_finish(
    connected: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(WORDS, connections=connected) == 2
    assert f"events-restored-2 is not there yet. First: daybook restore run --env prod --at {TIME}" in (
        capsys.readouterr().err
    )


def test_a_setting_that_somebody_took_away_is_put_back(connected: Connected, dynamodb: DynamoDB) -> None:
    """The import takes for granted what the template says: so all of it is read once more."""
    assert main(RUN, connections=connected) == 0
    dynamodb.moto.update_table(TableName="receipts-restored-2", DeletionProtectionEnabled=False)
    assert main(WORDS, connections=connected) == 0
    assert dynamodb.moto.describe_table(TableName="receipts-restored-2")["Table"]["DeletionProtectionEnabled"]


def test_it_is_refused_while_commands_are_taken(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RUN, connections=connected) == 0
    connected.clients.functions.writes = "on"
    assert main(WORDS, connections=connected) == 1
    assert "the API takes commands" in capsys.readouterr().err
    assert not Path("restore-prod-2.json").exists()
