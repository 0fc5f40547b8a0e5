"""After a first deployment that failed, on the emulator's CloudFormation: what is removed, and what is not touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, WaiterError

from deploy.account import Account
from deploy.errors import RefusedError
from deploy.recovery import recover
from local import system
from local.emulator import process as emulator
from local.emulator.ports import choose_port
from local.machine.layout import Layout
from stacks.environment import PROD
from tests.e2e.own_account import own_account

KEY = {"AttributeName": "id", "KeyType": "HASH"}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "Properties": {
        "KeySchema": [KEY],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
    },
}
BUCKET = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
GROUP = {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"}
TOPIC = {"Type": "AWS::SNS::Topic", "DeletionPolicy": "RetainExceptOnCreate"}
BROKEN = {
    "Type": "AWS::Glue::Table",
    "DependsOn": ["Table", "Bucket", "Group", "Topic"],
    "Properties": {"CatalogId": "000000000000", "DatabaseName": "absent", "TableInput": {"Name": "t"}},
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account in which nothing is deployed."""
    layout = Layout(tmp_path_factory.mktemp("recovery") / "state")
    layout.prepare()
    yield own_account(emulator.start(layout, port=choose_port(None)), layout.assembly)
    system.down(layout)


@pytest.fixture
def cloudformation(account: Account) -> Iterator[Any]:
    """Without stacks afterwards."""
    client = account.client("cloudformation")
    yield client
    for stack in client.describe_stacks()["Stacks"]:
        client.update_termination_protection(StackName=stack["StackName"], EnableTerminationProtection=False)
        client.delete_stack(StackName=stack["StackName"])


@pytest.fixture
def name() -> str:
    """A stack's of which the emulator has kept nothing: it names a table after its stack."""
    return f"Daybook-prod-Ledger{uuid4().hex[:8]}"


def create(cloudformation: Any, name: str, **resources: Any) -> str:
    """Create a protected stack, and say where it stands when CloudFormation has ended."""
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": resources}),
        EnableTerminationProtection=True,
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    except WaiterError as error:
        status: str = error.last_response["Stacks"][0]["StackStatus"]
        return status
    return "CREATE_COMPLETE"


def failed_creation(cloudformation: Any, name: str) -> None:
    """What the command line left before `first` was there: protected, rolled back, with a table that was kept."""
    status = create(cloudformation, name, Table=TABLE, Bucket=BUCKET, Group=GROUP, Topic=TOPIC, Broken=BROKEN)
    assert status == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        cloudformation.delete_stack(StackName=name)


def statuses(cloudformation: Any) -> dict[str, str]:
    return {each["StackName"]: each["StackStatus"] for each in cloudformation.describe_stacks()["Stacks"]}


def test_it_only_lists_until_it_is_told_to_go_on(account: Account, cloudformation: Any, name: str) -> None:
    failed_creation(cloudformation, name)
    tables = account.client("dynamodb").list_tables()["TableNames"]
    [table] = [each for each in tables if name in each]
    said: list[str] = []

    recover(PROD, account, said.append, yes=False)

    text = "\n".join(said)
    assert f"turn off termination protection of {name}" in text
    assert f"delete the stack {name} (ROLLBACK_COMPLETE)" in text
    assert f"delete {table} (AWS::DynamoDB::Table), which is empty" in text
    assert said[-1] == "Nothing was done yet. To do it: make recover ENV=prod YES=1"
    assert statuses(cloudformation) == {name: "ROLLBACK_COMPLETE"}
    assert account.client("dynamodb").list_tables()["TableNames"] == tables


def test_stack_table_and_bucket_are_removed_and_a_retry_succeeds(
    account: Account, cloudformation: Any, name: str
) -> None:
    dynamodb, s3 = account.client("dynamodb"), account.client("s3")
    before = (set(dynamodb.list_tables()["TableNames"]), {each["Name"] for each in s3.list_buckets()["Buckets"]})
    failed_creation(cloudformation, name)
    [table] = set(dynamodb.list_tables()["TableNames"]) - before[0]
    assert dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"]
    said: list[str] = []

    recover(PROD, account, said.append, yes=True)

    assert statuses(cloudformation) == {}
    after = (set(dynamodb.list_tables()["TableNames"]), {each["Name"] for each in s3.list_buckets()["Buckets"]})
    assert after == before
    assert not account.client("sns").list_topics()["Topics"], "the rollback removed it"
    kept = [line for line in said if "was kept" in line]
    assert len(kept) == 1, kept
    assert "AWS::Logs::LogGroup" in kept[0]
    assert said[-1] == "Now again: make deploy ENV=prod"
    assert create(cloudformation, name, Table=TABLE) == "CREATE_COMPLETE"


@pytest.mark.parametrize("what", ["a row", "an object", "a deleted object"])
def test_nothing_that_holds_data_is_removed(account: Account, cloudformation: Any, name: str, what: str) -> None:
    dynamodb, s3 = account.client("dynamodb"), account.client("s3")
    before = (set(dynamodb.list_tables()["TableNames"]), {each["Name"] for each in s3.list_buckets()["Buckets"]})
    failed_creation(cloudformation, name)
    [table] = set(dynamodb.list_tables()["TableNames"]) - before[0]
    [bucket] = {each["Name"] for each in s3.list_buckets()["Buckets"]} - before[1]
    if what == "a row":
        dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}})
    else:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=bucket, Key="k", Body=b"")
        if what == "a deleted object":
            s3.delete_object(Bucket=bucket, Key="k")

    with pytest.raises(RefusedError, match="holds data") as refused:
        recover(PROD, account, lambda _: None, yes=True)

    assert (table if what == "a row" else bucket) in str(refused.value)
    assert statuses(cloudformation) == {name: "ROLLBACK_COMPLETE"}
    assert table in dynamodb.list_tables()["TableNames"]
    [told] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert told["EnableTerminationProtection"] is True


def test_what_was_ever_complete_is_not_touched(account: Account, cloudformation: Any) -> None:
    """Not even where its deletion failed, and not another environment's, or what is not ours."""
    assert create(cloudformation, "Daybook-prod-Lake", Table=TABLE) == "CREATE_COMPLETE"
    for other in ("Daybook-staging-Ledger", "Daybook-prod-eu-Ledger", "Somebody-else"):
        assert create(cloudformation, other, Table=TABLE, Bucket=BUCKET, Group=GROUP, Topic=TOPIC, Broken=BROKEN)
    before = statuses(cloudformation)
    said: list[str] = []

    recover(PROD, account, said.append, yes=True)

    assert said == ["Nothing to remove: no stack of prod failed while it was created."]
    assert statuses(cloudformation) == before
