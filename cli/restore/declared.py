"""What the ledger stack declares of its tables. A restore leaves most of it out, and an import takes it for granted.

After the import CloudFormation believes that a restored table is as the template says, and a later deployment changes
only what the template changes. So whatever stands here must be put on the restored table itself.
Sources: DynamoDB API Reference, "RestoreTableToPointInTime"; CloudFormation User Guide, "Import AWS resources into a
CloudFormation stack" (it does not check that the template matches the resource).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cli.environments.place import STACK as STACK_NAME
from cli.environments.place import Place
from cli.errors import PlaceError
from cli.restore.clients import Clients
from cli.restore.names import STACK, Tables

TABLE = "AWS::DynamoDB::Table"


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A table's settings in the template. None stands for one that is not declared; `key` is the KMS key's id."""

    key: str | None = None
    stream: str | None = None
    expires_by: str | None = None
    recovery: bool = False
    protected: bool = False
    tags: Mapping[str, str] = {}
    policy: Mapping[str, Any] | None = None

    def told(self) -> list[str]:
        """A few words about each."""
        words = {
            "encryption by the ledger's key": self.key,
            f"stream of {self.stream}": self.stream,
            f"expiry by {self.expires_by}": self.expires_by,
            "point-in-time recovery": self.recovery,
            "deletion protection": self.protected,
            f"tags {', '.join(sorted(self.tags))}": self.tags,
            "resource policy": self.policy,
        }
        return [text for text, declared in words.items() if declared]


def declared_tables(clients: Clients, place: Place, tables: Tables) -> dict[str, Declared]:
    """By construct id, what the deployed template says of each table. Raises ClientError, BotoCoreError, PlaceError."""
    stack = STACK_NAME.format(environment=place.environment, name=STACK)
    body = clients.cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    template = msgspec.json.decode(body) if isinstance(body, str) else body
    physical = _physical_ids(clients, stack)
    by_name = {
        physical.get(logical_id): resource["Properties"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == TABLE
    }
    try:
        return {each: _declared(by_name[name], physical) for each, name in tables.by_id().items()}
    except KeyError as error:
        raise PlaceError(f"The stack {stack} does not hold the table {error.args[0]}.") from None


def _physical_ids(clients: Clients, stack: str) -> dict[str, str]:
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [each for page in pages for each in page["StackResourceSummaries"]]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources if "PhysicalResourceId" in each}


def _declared(properties: Mapping[str, Any], physical: Mapping[str, str]) -> Declared:
    return Declared(
        key=_key(properties.get("SSESpecification", {}).get("KMSMasterKeyId"), physical),
        stream=properties.get("StreamSpecification", {}).get("StreamViewType"),
        expires_by=properties.get("TimeToLiveSpecification", {}).get("AttributeName"),
        recovery=_is(properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")),
        protected=_is(properties.get("DeletionProtectionEnabled")),
        tags={each["Key"]: each["Value"] for each in properties.get("Tags", [])},
        policy=properties.get("ResourcePolicy", {}).get("PolicyDocument"),
    )


def _key(reference: Any, physical: Mapping[str, str]) -> str | None:
    """The id of the key that the template refers to, or names."""
    if not isinstance(reference, Mapping):
        return None if reference is None else str(reference)
    target = reference.get("Ref") or reference["Fn::GetAtt"]
    return physical[target if isinstance(target, str) else target[0]]


def _is(value: object) -> bool:
    """A boolean of a template, which may be text."""
    return str(value).lower() == "true"
