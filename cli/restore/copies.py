"""The restored copies of tables: starting each one once, and knowing it again when a step is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from cli.errors import CommandError
from cli.restore.clients import Clients, code
from cli.restore.declared import Declared
from cli.restore.steps import second

RESTORED_TO: Final = "daybook:restored-to"
"""The tag of a restored table that holds its second, also when DynamoDB no longer tells it."""

_MISSING: Final = "ResourceNotFoundException"
_EXISTS: Final = frozenset({"TableAlreadyExistsException", "ResourceInUseException", "TableInUseException"})


class OtherTableError(CommandError):
    """There is a table of a restored one's name, but it is no copy of that second."""


class Copy(msgspec.Struct, frozen=True):
    """One table of the ledger, and the name of its copy."""

    source: str
    name: str
    declared: Declared


def find(clients: Clients, copy: Copy) -> Mapping[str, Any] | None:
    """DynamoDB's description of the copy; None if there is none. Raises ClientError, BotoCoreError."""
    return describe(clients, copy.name)


def describe(clients: Clients, name: str) -> Mapping[str, Any] | None:
    """DynamoDB's description of a table; None if there is none. Raises ClientError, BotoCoreError."""
    try:
        found: Mapping[str, Any] = clients.dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if code(error) == _MISSING:
            return None
        raise
    return found


def start(clients: Clients, copy: Copy, at: datetime) -> None:
    """Begin to restore, unless that has begun before. Raises ClientError, BotoCoreError.

    The key is given, though a restore takes the source's if none is: the import declares this one.
    """
    key = copy.declared.key
    encryption = {"SSESpecificationOverride": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}} if key else {}
    try:
        clients.dynamodb.restore_table_to_point_in_time(
            SourceTableName=copy.source,
            TargetTableName=copy.name,
            RestoreDateTime=at,
            BillingModeOverride="PAY_PER_REQUEST",
            **encryption,
        )
    except ClientError as error:
        if code(error) not in _EXISTS:
            raise


def is_ready(described: Mapping[str, Any] | None) -> bool:
    """Whether all rows and indexes of a copy are there."""
    if described is None:
        return False
    indexes = described.get("GlobalSecondaryIndexes") or []
    copying = (described.get("RestoreSummary") or {}).get("RestoreInProgress", False)
    states = {described["TableStatus"], *(each.get("IndexStatus", "ACTIVE") for each in indexes)}
    return states == {"ACTIVE"} and not copying


def require_same_second(clients: Clients, copy: Copy, described: Mapping[str, Any], at: datetime) -> None:
    """Raises OtherTableError, ClientError, BotoCoreError. The tag tells; before it is put, DynamoDB itself does."""
    told = tags_of(clients, described).get(RESTORED_TO) or _told(described)
    if told == second(at):
        return
    made = f"was restored to {told}" if told else "was made otherwise"
    raise OtherTableError(
        f"{copy.name} is there already and {made}, not to {second(at)}. If nothing uses it, delete it and repeat."
    )


def require_restored_to(clients: Clients, name: str, at: datetime) -> None:
    """Raises OtherTableError if a table's tag says that it was restored to another second. Raises ClientError, too."""
    described = describe(clients, name)
    told = tags_of(clients, described).get(RESTORED_TO) if described else None
    if told not in (None, second(at)):
        raise OtherTableError(f"{name} was restored to {told}: give that as --at.")


def _told(described: Mapping[str, Any]) -> str:
    moment = (described.get("RestoreSummary") or {}).get("RestoreDateTime")
    return second(moment) if moment else ""


def tags_of(clients: Clients, described: Mapping[str, Any]) -> dict[str, str]:
    """A table's tags. Raises ClientError, BotoCoreError."""
    paginator = clients.dynamodb.get_paginator("list_tags_of_resource")
    pages = paginator.paginate(ResourceArn=described["TableArn"])
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
