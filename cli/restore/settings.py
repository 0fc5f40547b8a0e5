"""Puts settings on a restored table and reads each again until it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from cli.restore.clients import Clients, code
from cli.restore.copies import RESTORED_TO, Copy, find, tags_of
from cli.restore.waiting import SETTING_SECONDS, wait_until

_LATER: Final = frozenset(
    {"ResourceInUseException", "ContinuousBackupsUnavailableException", "LimitExceededException", "ThrottlingException"}
)
"""Errors of a table that is still busy with the setting before."""


_SINGLE: Final = frozenset({"Version", "Id", "Sid", "Effect"})
"""Elements of a policy that have one value."""


class Setting(msgspec.Struct, frozen=True):
    """`name` as it is told, how to see that it is there, and how to put it there. Both raise ClientError."""

    name: str
    is_there: Callable[[], bool]
    put: Callable[[], Any]


def put_back(setting: Setting, copy: Copy) -> str:
    """Put a setting on the copy unless it is there; returns its name. Raises UnavailableError, ClientError."""

    def done() -> bool:
        if setting.is_there():
            return True
        try:
            setting.put()
        except ClientError as error:
            if code(error) not in _LATER:
                raise
        return setting.is_there()

    wait_until(done, f"{setting.name} of {copy.name} cannot be read back", SETTING_SECONDS)
    return setting.name


def before_mending(clients: Clients, copy: Copy, restored_to: str) -> Iterator[Setting]:
    """Recovery, expiry, protection and tags: whatever does not hinder the mending of rows, nor tells of it."""
    dynamodb, declared, name = clients.dynamodb, copy.declared, copy.name
    if declared.recovery:
        recovery = {"PointInTimeRecoveryEnabled": True}
        yield Setting(
            "point-in-time recovery",
            lambda: _recovers(clients, name),
            lambda: dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery),
        )
    if declared.expires_by:
        expiry = {"AttributeName": declared.expires_by, "Enabled": True}
        yield Setting(
            f"expiry by {declared.expires_by}",
            lambda: _expires_by(clients, name) == declared.expires_by,
            lambda: dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry),
        )
    tags = {**declared.tags, RESTORED_TO: restored_to}
    yield Setting(
        "tags",
        lambda: tags.items() <= tags_of(clients, _described(clients, copy)).items(),
        lambda: dynamodb.tag_resource(
            ResourceArn=_described(clients, copy)["TableArn"],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        ),
    )
    if declared.protected:
        yield Setting(
            "deletion protection",
            lambda: bool(_described(clients, copy).get("DeletionProtectionEnabled")),
            lambda: dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True),
        )


def after_mending(clients: Clients, copy: Copy) -> Iterator[Setting]:
    """Stream and policy. A stream that was on before would tell of rows that were cut off, as if by a tamperer."""
    dynamodb, declared, name = clients.dynamodb, copy.declared, copy.name
    if declared.stream:
        stream = {"StreamEnabled": True, "StreamViewType": declared.stream}
        yield Setting(
            f"stream of {declared.stream}",
            lambda: _stream(clients, copy) == declared.stream,
            lambda: dynamodb.update_table(TableName=name, StreamSpecification=stream),
        )
    if declared.policy:
        policy = declared.policy
        yield Setting(
            "resource policy",
            lambda: same_policy(_policy(clients, copy), policy),
            lambda: dynamodb.put_resource_policy(
                ResourceArn=_described(clients, copy)["TableArn"], Policy=msgspec.json.encode(policy).decode()
            ),
        )


def same_policy(found: Any, declared: Any) -> bool:
    """Whether two policies say the same. A service may give one back in another spelling.

    One value stands for a list of it, and `*` for every principal of AWS. Source: IAM User Guide, "Grammar of the IAM
    JSON policy language" and "AWS JSON policy elements: Principal".
    """
    return bool(_spelled(found) == _spelled(declared))


def _spelled(value: Any, name: str = "") -> Any:
    if name == "Principal" and value == "*":
        return {"AWS": ["*"]}
    if isinstance(value, Mapping):
        return {key: _spelled(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((each if isinstance(each, str) else _spelled(each) for each in value), key=repr)
    return value if name in _SINGLE else [value]


def _described(clients: Clients, copy: Copy) -> dict[str, Any]:
    return dict(find(clients, copy) or {})


def _recovers(clients: Clients, name: str) -> bool:
    described = clients.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status: object = described.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return status == "ENABLED"


def _expires_by(clients: Clients, name: str) -> str | None:
    described = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    on = described.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    return described.get("AttributeName") if on else None


def _stream(clients: Clients, copy: Copy) -> str | None:
    described = _described(clients, copy)
    stream = described.get("StreamSpecification") or {}
    on = stream.get("StreamEnabled") and described.get("TableStatus") == "ACTIVE"
    return stream.get("StreamViewType") if on else None


def _policy(clients: Clients, copy: Copy) -> object:
    try:
        answer = clients.dynamodb.get_resource_policy(ResourceArn=_described(clients, copy)["TableArn"])
    except ClientError as error:
        if code(error) == "PolicyNotFoundException":
            return None
        raise
    found: object = msgspec.json.decode(answer["Policy"])
    return found
