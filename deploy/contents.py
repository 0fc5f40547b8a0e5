"""Tables, buckets and backup vaults: whether they hold anything, and emptying and removing them."""

import time
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.account import Account
from deploy.errors import FailedError
from deploy.stacks import Leftover

TABLE: Final = "AWS::DynamoDB::Table"
BUCKET: Final = "AWS::S3::Bucket"
VAULT: Final = "AWS::Backup::BackupVault"
PAUSE_SECONDS: Final = 5.0
PAUSES: Final = 360
ABSENT: Final = frozenset({"ResourceNotFoundException", "NoSuchBucket", "404"})


def exists(account: Account, resource: Leftover) -> bool:
    """Whether a table or a bucket is still there."""
    if resource.type == TABLE:
        return _is_there(lambda: account.client("dynamodb").describe_table(TableName=resource.id))
    return _is_there(lambda: account.client("s3").head_bucket(Bucket=resource.id))


def holds_something(account: Account, resource: Leftover) -> bool:
    """Whether a table has a row, or a bucket an object of any version."""
    if resource.type == TABLE:
        scan = account.client("dynamodb").scan(TableName=resource.id, Limit=1, ConsistentRead=True)
        return bool(scan["Items"])
    page = account.client("s3").list_object_versions(Bucket=resource.id, MaxKeys=1)
    return bool(page.get("Versions") or page.get("DeleteMarkers"))


def remove(account: Account, resource: Leftover) -> None:
    """Delete an empty table, which may be protected against that, or an empty bucket."""
    if resource.type == TABLE:
        dynamodb = account.client("dynamodb")
        if dynamodb.describe_table(TableName=resource.id)["Table"].get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=resource.id, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=resource.id)
        dynamodb.delete_table(TableName=resource.id)
    else:
        account.client("s3").delete_bucket(Bucket=resource.id)


def empty_bucket(account: Account, name: str) -> int:
    """Delete every object in every version, and say how many there were."""
    s3 = account.client("s3")
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if found:
            versions = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            _raise_for(s3.delete_objects(Bucket=name, Delete={"Objects": versions, "Quiet": True}))
            deleted += len(found)
    return deleted


def empty_vault(account: Account, name: str, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Delete every backup of a vault that has no lock, wait until they are gone, and say how many there were.

    AWS deletes no vault that has one, and takes a while over each. Raises FailedError after half an hour.
    """
    backup = account.client("backup")
    found = _backups(backup, name)
    for each in found:
        backup.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=each)
    for _ in range(PAUSES if found else 0):
        if not _backups(backup, name):
            return len(found)
        pause(PAUSE_SECONDS)
    if found:
        raise FailedError(f"The backups in {name} are not gone yet. Try again later.")
    return 0


def _backups(backup: Any, vault: str) -> list[str]:
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(BackupVaultName=vault)
    return [each["RecoveryPointArn"] for page in pages for each in page["RecoveryPoints"]]


def _raise_for(answer: dict[str, Any]) -> None:
    for error in answer.get("Errors", ()):
        raise ClientError({"Error": error}, "DeleteObjects")


def _is_there(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return False
        raise
    return True
