"""Emptying: every version, every page, and nothing is taken for gone that is not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.contents import PAUSES, empty_bucket, empty_vault
from deploy.errors import FailedError
from tests.unit.deploy.conftest import Desk


@dataclass
class Service:
    """S3 and AWS Backup: pages of one each. A backup is listed for some more times once it was deleted."""

    versions: list[dict[str, str]] = field(default_factory=list)
    markers: list[dict[str, str]] = field(default_factory=list)
    backups: dict[str, int] = field(default_factory=dict)
    deleting: set[str] = field(default_factory=set)
    refuses: str = ""

    def get_paginator(self, operation: str) -> Service:
        self.operation = operation
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        if self.operation == "list_object_versions":
            found: list[dict[str, Any]] = [{"Versions": [each]} for each in self.versions]
            return found + [{"DeleteMarkers": [each]} for each in self.markers] + [{}]
        pages = [{"RecoveryPoints": [{"RecoveryPointArn": each}]} for each in self.backups]
        for each in self.deleting & self.backups.keys():
            self.backups[each] -= 1
        self.backups = {name: left for name, left in self.backups.items() if left}
        return pages

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's
        [gone] = Delete["Objects"]
        if gone["Key"] == self.refuses:
            return {"Errors": [{"Key": gone["Key"], "Code": "AccessDenied", "Message": "no"}]}
        self.versions = [each for each in self.versions if each != gone]
        self.markers = [each for each in self.markers if each != gone]
        return {}

    def delete_recovery_point(self, *, BackupVaultName: str, RecoveryPointArn: str) -> None:  # noqa: N803 - boto3's
        self.deleting.add(RecoveryPointArn)


def version(key: str, version_id: str) -> dict[str, str]:
    return {"Key": key, "VersionId": version_id}


def test_every_version_and_every_marker_goes(desk: Desk) -> None:
    s3 = Service([version("a", "1"), version("a", "2")], [version("b", "3")])
    account = replace(desk.account, client=lambda _: s3)
    assert empty_bucket(account, "lake") == 3
    assert (s3.versions, s3.markers) == ([], [])
    assert empty_bucket(account, "lake") == 0


def test_an_object_that_does_not_go_is_an_error(desk: Desk) -> None:
    s3 = Service([version("a", "1")], refuses="a")
    with pytest.raises(ClientError, match="AccessDenied"):
        empty_bucket(replace(desk.account, client=lambda _: s3), "lake")


def test_a_vault_is_empty_once_its_backups_are_gone_and_not_before(desk: Desk) -> None:
    paused: list[float] = []
    account = replace(desk.account, client=lambda _: Service(backups={"one": 3, "two": 5}))
    assert empty_vault(account, "vault", pause=paused.append) == 2
    assert len(paused) > 3
    assert empty_vault(replace(desk.account, client=lambda _: Service()), "vault", pause=paused.append) == 0


def test_backups_that_stay_are_not_waited_for_for_ever(desk: Desk) -> None:
    paused: list[float] = []
    account = replace(desk.account, client=lambda _: Service(backups={"one": 10_000}))
    with pytest.raises(FailedError, match="The backups in vault are not gone yet"):
        empty_vault(account, "vault", pause=paused.append)
    assert len(paused) == PAUSES
