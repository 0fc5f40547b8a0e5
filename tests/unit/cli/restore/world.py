"""An environment whose tables can be restored: moto's DynamoDB, and a stack and functions that are told what to be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.aws import AWS
from cli.environments.place import Place
from cli.restore.clients import Clients
from tests.support.dynamodb_tables import dynamodb_client

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TIME = "2026-03-01T09:30:00Z"
KEY = "6f1f6a4e-0c7e-4a7b-9f0e-3d1f2b7c8a90"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "AppendOnly", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "dynamodb:DeleteItem"}],
}
TAGS = [{"Key": "environment", "Value": "prod"}, {"Key": "service", "Value": "daybook"}]
COMMON = {
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "DeletionProtectionEnabled": True,
    "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    "Tags": TAGS,
}
STREAM = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
TTL = {"TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True}}
PROPERTIES: dict[str, dict[str, Any]] = {
    "events": {**COMMON, **STREAM, "ResourcePolicy": {"PolicyDocument": POLICY}},
    "receipts": {**COMMON, **TTL},
    "commands": {**COMMON, **STREAM, **TTL},
}
OUTPUTS = {
    "Daybook-prod-Ledger": {
        "EventTableName": "events",
        "ReceiptsTableName": "receipts",
        "CommandsTableName": "commands",
        "LedgerGeneration": "1",
    },
    "Daybook-prod-Api": {"ApiFunctionName": "accounts"},
    "Daybook-prod-Commands": {"CommandMappingId": "mapping-of-commands"},
    "Daybook-prod-Publisher": {"PublisherMappingId": "mapping-of-events"},
}


def refused(code: str, operation: str = "Operation") -> ClientError:
    """What boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": f"{code} it is."}}, operation)


class Stack:
    """CloudFormation, as far as it is asked: the ledger's template, its resources, and outputs."""

    def __init__(self) -> None:
        self.outputs = {stack: dict(each) for stack, each in OUTPUTS.items()}
        self.statuses: dict[str, str] = {}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"Stacks": [{"StackStatus": self.statuses.get(StackName, "UPDATE_COMPLETE")}]}

    def get_template(self, *, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert (StackName, TemplateStage) == ("Daybook-prod-Ledger", "Processed")
        tables = {f"{name.title()}Table1A2B": name for name in PROPERTIES}
        resources = {
            logical_id: {"Type": "AWS::DynamoDB::Table", "Properties": PROPERTIES[name]}
            for logical_id, name in tables.items()
        }
        return {"TemplateBody": {"Resources": {**resources, "Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}}

    def get_paginator(self, operation: str) -> Stack:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, *, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        assert StackName == "Daybook-prod-Ledger"
        found = [{"LogicalResourceId": "Key", "PhysicalResourceId": KEY}]
        found += [{"LogicalResourceId": f"{name.title()}Table1A2B", "PhysicalResourceId": name} for name in PROPERTIES]
        return [{"StackResourceSummaries": [each]} for each in found]


class Functions:
    """Lambda, as far as it is asked: the function behind the alias, and the mappings."""

    def __init__(self, *, writes: str = "off", state: str = "Disabled") -> None:
        self.writes = writes
        self.states = {"mapping-of-commands": state, "mapping-of-events": state}
        self.shifting: dict[str, float] = {}

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, Name) == ("accounts", "live")
        return {"RoutingConfig": {"AdditionalVersionWeights": self.shifting}} if self.shifting else {}

    def get_function_configuration(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, Qualifier) == ("accounts", "live")
        return {"Environment": {"Variables": {"WRITES": self.writes}}}

    def get_event_source_mapping(self, *, UUID: str) -> dict[str, Any]:  # noqa: N803
        return {"State": self.states[UUID]}


class Connected(AWS):
    """The connections of a command, to this world."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.opened_for: list[Place] = []

    def restoring(self, place: Place) -> Clients:
        self.opened_for.append(place)
        return self.clients


class DynamoDB:
    """moto's, which says of a restored table when it was copied, not to which second: here it says that.

    `dies_before` names an operation: whoever asks for it, is killed. One to which it is `deaf_to` is answered, and
    nothing happens. If the `answer_is_lost`, a restore begins, and the client's repetition is refused. `busy` is how
    often a new table is not ready yet.
    """

    def __init__(self) -> None:
        self.moto = dynamodb_client()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.restored: dict[str, Any] = {}
        self.dies_before = ""
        self.deaf_to = ""
        self.answer_is_lost = False
        self.busy = 0

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self.moto, operation)

        def asked(**words: Any) -> Any:
            if operation == self.dies_before:
                raise KeyboardInterrupt
            self.calls.append((operation, words))
            return {} if operation == self.deaf_to else call(**words)

        return call if operation == "get_paginator" else asked

    def restore_table_to_point_in_time(self, **words: Any) -> Any:
        if self.dies_before == words["TargetTableName"]:
            raise KeyboardInterrupt
        self.calls.append(("restore_table_to_point_in_time", words))
        answer = self.moto.restore_table_to_point_in_time(
            SourceTableName=words["SourceTableName"], TargetTableName=words["TargetTableName"]
        )
        self.restored[words["TargetTableName"]] = words["RestoreDateTime"]
        if self.answer_is_lost:
            raise refused("TableAlreadyExistsException")
        return answer

    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803
        answer = self.moto.describe_table(TableName=TableName)
        summary = answer["Table"].get("RestoreSummary")
        if summary is not None:
            summary["RestoreDateTime"] = self.restored[TableName]
            self.busy -= 1
            if self.busy > 0:
                answer["Table"]["TableStatus"] = "CREATING"
        return answer

    def asked_for(self, operation: str) -> list[dict[str, Any]]:
        """The requests of one operation."""
        return [words for name, words in self.calls if name == operation]


def deployed(dynamodb: Any) -> None:
    """The three tables of generation 1, as their stack made them."""
    keys = {
        "events": (("stream_id", "S"), ("version", "N")),
        "receipts": (("scope", "S"), ("key", "S")),
        "commands": (("account_id", "S"), ("command_id", "S")),
    }
    for name, (hash_key, range_key) in keys.items():
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": hash_key[0], "KeyType": "HASH"},
                {"AttributeName": range_key[0], "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in (hash_key, range_key)],
        )
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
