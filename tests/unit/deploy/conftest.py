"""An account of which only CloudFormation's words are made up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.account import Account

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PROD = "Daybook-prod"


@dataclass
class CloudFormation:
    """Stacks by name, as a real client tells of them, oldest first; and their events, newest first."""

    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    resources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What a stack's list of resources has, where a test puts something into it."""

    def add(self, name: str, status: str, *, protected: bool = False) -> str:
        """A stack that was created after all others. Its id."""
        created = BEGIN + timedelta(minutes=len(self.stacks))
        found = {"StackName": name, "StackId": f"id/{name}", "StackStatus": status, "CreationTime": created}
        self.stacks[name] = {**found, "EnableTerminationProtection": protected}
        self.events.setdefault(f"id/{name}", [])
        return f"id/{name}"

    def tell(self, stack_id: str, kind: str, name: str, status: str) -> None:
        """Something happened to a resource, or to the stack itself."""
        event = {"ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": status}
        self.events[stack_id].insert(0, event)

    def get_paginator(self, operation: str) -> Pages:
        """Pages of one each."""
        return Pages(self, operation)


@dataclass
class Pages:
    """What a paginator gives."""

    of: CloudFormation
    operation: str

    def paginate(self, StackName: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's
        """A page for each stack or event."""
        if self.operation == "describe_stacks":
            yield from ({"Stacks": [each]} for each in reversed(self.of.stacks.values()))
        elif self.operation == "list_stack_resources":
            yield from ({"StackResourceSummaries": [each]} for each in self.of.resources.get(StackName, ()))
        else:
            yield from ({"StackEvents": [each]} for each in self.of.events[StackName])


@dataclass
class Desk:
    """The account, what was asked of the command line, and with which statuses it ends; then always with 0."""

    cloudformation: CloudFormation
    account: Account
    asked: list[list[str]]
    statuses: list[int]
    said: list[str]


@pytest.fixture
def desk() -> Desk:
    """An account without stacks."""
    cloudformation = CloudFormation()
    asked: list[list[str]] = []
    statuses: list[int] = []

    def client(service: str) -> Any:
        assert service == "cloudformation"
        return cloudformation

    def cdk(arguments: Sequence[str]) -> int:
        asked.append(list(arguments))
        return statuses.pop(0) if statuses else 0

    account = Account(number="123456789012", region="eu-west-1", client=client, cdk=cdk)
    return Desk(cloudformation, account, asked, statuses, [])
