"""The stacks of an environment as CloudFormation has them, and what is known of their past."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

STACK: Final = "AWS::CloudFormation::Stack"
FAILED_CREATIONS: Final = frozenset(
    {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
)
"""Where a stack may stand that never was complete and in which nothing goes on. The last one may also have been."""
HELD: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_FAILED",
        "DELETE_FAILED",
    }
)
"""Statuses of a resource that a stack has, and that is there."""
COMPLETIONS: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack. `short` is its name within the environment, such as `Ledger`."""

    name: str
    short: str
    id: str
    status: str
    protected: bool

    @property
    def is_complete(self) -> bool:
        """Whether it was created, whatever became of updates since."""
        return self.status == "CREATE_COMPLETE" or self.status.startswith(("UPDATE_", "IMPORT_"))

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation works on it. A change set that waits for review is no work."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A resource that a stack created: its type, and its name in AWS."""

    type: str
    id: str


def stacks_of(cloudformation: Any, environment: str) -> list[Stack]:
    """The stacks of an environment that exist, oldest first."""
    prefix = f"Daybook-{environment}"
    found = [
        each
        for page in cloudformation.get_paginator("describe_stacks").paginate()
        for each in page["Stacks"]
        if each["StackName"].rpartition("-")[0] == prefix and each["StackStatus"] != "DELETE_COMPLETE"
    ]
    return [
        Stack(
            name=each["StackName"],
            short=each["StackName"].rpartition("-")[2],
            id=each["StackId"],
            status=each["StackStatus"],
            protected=bool(each.get("EnableTerminationProtection")),
        )
        for each in sorted(found, key=lambda each: each["CreationTime"])
    ]


def was_ever_complete(cloudformation: Any, stack: Stack) -> bool:
    """Whether its creation, an update or an import ever came to its end.

    A deletion that failed says nothing of what was before. If the events do not tell how the stack began either, it
    counts as one that was complete.
    """
    if stack.status not in FAILED_CREATIONS:
        return True
    seen = {
        each["ResourceStatus"]
        for each in _events(cloudformation, stack)
        if each["ResourceType"] == STACK and each["PhysicalResourceId"] == stack.id
    }
    return bool(seen & COMPLETIONS) or (stack.status == "DELETE_FAILED" and "CREATE_IN_PROGRESS" not in seen)


def created_by(cloudformation: Any, stack: Stack) -> list[Leftover]:
    """Every resource that a stack created and did not delete again, kept ones included; the newest first.

    Events tell of those that it let go of, its list of resources of those that are older than its events. A creation
    that failed names what it could not create, too, and that may be somebody else's of the same name.
    """
    statuses: dict[Leftover, list[str]] = {}
    for each in _events(cloudformation, stack):  # newest first
        if each["ResourceType"] != STACK and each.get("PhysicalResourceId"):
            resource = Leftover(type=each["ResourceType"], id=each["PhysicalResourceId"])
            statuses.setdefault(resource, []).append(each["ResourceStatus"])
    told = [each for each, seen in statuses.items() if "CREATE_COMPLETE" in seen and seen[0] != "DELETE_COMPLETE"]
    return [*told, *(each for each in _held(cloudformation, stack) if each not in told)]


def _held(cloudformation: Any, stack: Stack) -> Iterator[Leftover]:
    """The resources that a stack has."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.id):
        for each in page["StackResourceSummaries"]:
            if each["ResourceStatus"] in HELD and each.get("PhysicalResourceId"):
                yield Leftover(type=each["ResourceType"], id=each["PhysicalResourceId"])


def _events(cloudformation: Any, stack: Stack) -> Iterator[dict[str, Any]]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack.id):
        yield from page["StackEvents"]
