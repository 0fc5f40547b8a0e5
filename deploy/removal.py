"""Taking an environment down whose data is not protected."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from deploy.account import Account
from deploy.contents import BUCKET, VAULT, empty_bucket, empty_vault
from deploy.errors import FailedError, RefusedError
from deploy.stacks import Stack, created_by, stacks_of
from local.setup import cdk
from stacks.environment import Environment

Say = Callable[[str], None]
VERSION = "AWS::Lambda::Version"
"""Kept by its stack for a rollback, and gone with its function all the same."""
ROLE = "AWS::IAM::Role"
MANAGED_POLICY = "AWS::IAM::ManagedPolicy"
ATTEMPTS = 3
"""S3 writes access logs, and Firehose its last files, while stacks are being removed: then buckets fill again."""


def destroy(config: Environment, account: Account, say: Say, *, yes: bool, options: Sequence[str] = ()) -> None:
    """Say what would be removed; with `yes` remove it, data and all. Raises RefusedError and FailedError."""
    _refuse_what_is_protected(config)
    cloudformation = account.client("cloudformation")
    stacks = stacks_of(cloudformation, config.name)
    if not stacks:
        say(f"There is no stack of {config.name} in {account}.")
        return
    for each in stacks:
        say(f"  delete the stack {each.name}")
    for what, kind in (("bucket", BUCKET), ("backup vault", VAULT)):
        for name in _there(account, stacks, kind):
            say(f"  empty and delete the {what} {name}")
    if not yes:
        say(f"Nothing was done yet. To remove all of it, with all data: make destroy ENV={config.name} YES=1")
        return
    _refuse_what_others_hold(account, stacks)
    _remove(config, account, say, stacks, [*cdk.destroy(config.name), *options])
    for each in stacks:
        for kept in created_by(cloudformation, each):
            if kept.type != VERSION:
                say(f"  stays: {kept.id} ({kept.type})")


def _refuse_what_is_protected(config: Environment) -> None:
    if config.protect_data:
        raise RefusedError(f"{config.name} protects its data. docs/deploy.md says how it is taken down.")
    if config.vault_lock:
        raise RefusedError(f"The backups of {config.name} are locked. docs/deploy.md says how the lock is taken away.")
    if config.log_lock:
        raise RefusedError(f"The log of {config.name} is locked. docs/deploy.md says how such an environment ends.")


def _refuse_what_others_hold(account: Account, stacks: Sequence[Stack]) -> None:
    """CloudFormation deletes no managed policy that somebody has whom it did not create. Raises RefusedError."""
    own = set(_there(account, stacks, ROLE))
    held = [
        f"{holder} has {policy}"
        for policy in _there(account, stacks, MANAGED_POLICY)
        for holder in _holders(account.client("iam"), policy)
        if holder not in own
    ]
    if held:
        raise RefusedError(f"Take the policies away first: {', '.join(held)}.")


def _holders(iam: Any, policy: str) -> Iterator[str]:
    """Whoever has a managed policy: the names of roles, users and groups."""
    for page in iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=policy):
        for kind in ("Role", "User", "Group"):
            yield from (each[f"{kind}Name"] for each in page[f"Policy{kind}s"])


def _remove(config: Environment, account: Account, say: Say, stacks: Sequence[Stack], arguments: Sequence[str]) -> None:
    """Empty the buckets and vaults that are left, and delete the stacks; again where one was filled meanwhile."""
    for _ in range(ATTEMPTS):
        for bucket in _there(account, stacks, BUCKET):
            say(f"Emptied {bucket}: {empty_bucket(account, bucket)} versions of objects")
        for vault in _there(account, stacks, VAULT):
            say(f"Emptied {vault}: {empty_vault(account, vault)} backups")
        say(cdk.written(arguments))
        status = account.cdk(arguments)
        if not (left := stacks_of(account.client("cloudformation"), config.name)):
            return
    raise FailedError(f"`cdk destroy` ended with {status}, and left {', '.join(each.name for each in left)}.")


def _there(account: Account, stacks: Sequence[Stack], kind: str) -> list[str]:
    """What is still there of a type."""
    cloudformation = account.client("cloudformation")
    return [each.id for stack in stacks for each in created_by(cloudformation, stack) if each.type == kind]
