"""Only what protects no data is removed, and buckets that fill again meanwhile are emptied again."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from deploy import removal
from deploy.contents import BUCKET, VAULT
from deploy.errors import FailedError, RefusedError
from deploy.removal import destroy
from stacks.environment import DEV, PROD, STAGING, Environment
from tests.unit.deploy.conftest import Desk

DESTROY = ["destroy", "**", "-c", "env=dev", "--force"]


@pytest.fixture
def emptied(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The buckets that were emptied, each time; `dev` has one, and a vault."""
    found: list[str] = []

    def note(_: object, name: str) -> int:
        found.append(name)
        return 3

    monkeypatch.setattr(removal, "empty_bucket", note)
    monkeypatch.setattr(removal, "empty_vault", note)
    stack_id = desk.cloudformation.add("Daybook-dev-Lake", "CREATE_COMPLETE")
    desk.cloudformation.tell(stack_id, BUCKET, "lake", "CREATE_COMPLETE")
    desk.cloudformation.tell(stack_id, VAULT, "backups", "CREATE_COMPLETE")
    return found


@pytest.mark.parametrize("config", [STAGING, PROD], ids=lambda config: config.name)
def test_protected_data_is_not_removed(desk: Desk, config: Environment) -> None:
    desk.cloudformation.add(f"Daybook-{config.name}-Ledger", "CREATE_COMPLETE")
    with pytest.raises(RefusedError, match=r"protects its data. docs/deploy.md says how"):
        destroy(config, desk.account, desk.said.append, yes=True)
    assert desk.asked == []


@pytest.mark.parametrize("lock", ["governance", "compliance"])
def test_a_vault_whose_backups_cannot_be_deleted_is_refused_before_anything_is_done(
    desk: Desk, emptied: list[str], lock: Literal["governance", "compliance"]
) -> None:
    with pytest.raises(RefusedError, match=r"backups of dev are locked. docs/deploy.md says how"):
        destroy(replace(DEV, vault_lock=lock), desk.account, desk.said.append, yes=True)
    assert (desk.asked, emptied) == ([], [])


@pytest.mark.parametrize("lock", ["governance", "compliance"])
def test_a_log_whose_objects_cannot_be_deleted_is_refused_before_anything_is_done(
    desk: Desk, emptied: list[str], lock: Literal["governance", "compliance"]
) -> None:
    with pytest.raises(RefusedError, match=r"log of dev is locked. docs/deploy.md says how"):
        destroy(replace(DEV, log_lock=lock), desk.account, desk.said.append, yes=True)
    assert (desk.asked, emptied) == ([], [])


class Holders:
    """IAM: who has the one policy that there is."""

    def get_paginator(self, operation: str) -> Holders:
        assert operation == "list_entities_for_policy"
        return self

    def paginate(self, *, PolicyArn: str) -> list[dict[str, list[dict[str, str]]]]:  # noqa: N803 - boto3's
        assert PolicyArn == "arn:may-command"
        roles = [{"RoleName": "own"}, {"RoleName": "a-clients"}]
        nobody: dict[str, list[dict[str, str]]] = {"PolicyRoles": [], "PolicyUsers": [], "PolicyGroups": []}
        return [{**nobody, "PolicyRoles": roles}, {**nobody, "PolicyUsers": [{"UserName": "somebody"}]}]


def test_a_policy_that_others_have_is_named_before_anything_is_done(desk: Desk, emptied: list[str]) -> None:
    [stack] = desk.cloudformation.stacks.values()
    desk.cloudformation.tell(stack["StackId"], removal.ROLE, "own", "CREATE_COMPLETE")
    desk.cloudformation.tell(stack["StackId"], removal.MANAGED_POLICY, "arn:may-command", "CREATE_COMPLETE")
    clients = {"cloudformation": desk.cloudformation, "iam": Holders()}
    account = replace(desk.account, client=lambda service: clients[service])
    with pytest.raises(RefusedError, match="first: a-clients has arn:may-command, somebody has arn:may-command"):
        destroy(DEV, account, desk.said.append, yes=True)
    assert (desk.asked, emptied) == ([], [])


def test_a_bucket_that_is_older_than_the_events_is_emptied_too(desk: Desk, emptied: list[str]) -> None:
    [stack] = desk.cloudformation.stacks.values()
    desk.cloudformation.events[stack["StackId"]].clear()
    desk.cloudformation.resources[stack["StackId"]] = [
        {"ResourceType": BUCKET, "PhysicalResourceId": name, "ResourceStatus": status}
        for name, status in (("old", "UPDATE_COMPLETE"), ("gone", "DELETE_COMPLETE"), ("not-ours", "CREATE_FAILED"))
    ]
    desk.statuses.append(0)
    with pytest.raises(FailedError):
        destroy(DEV, desk.account, desk.said.append, yes=True)
    assert set(emptied) == {"old"}


def test_it_only_lists_until_it_is_told_to_go_on(desk: Desk, emptied: list[str]) -> None:
    destroy(DEV, desk.account, desk.said.append, yes=False)
    assert (desk.asked, emptied) == ([], [])
    assert desk.said[:3] == [
        "  delete the stack Daybook-dev-Lake",
        "  empty and delete the bucket lake",
        "  empty and delete the backup vault backups",
    ]
    assert desk.said[-1].endswith("make destroy ENV=dev YES=1")


def test_without_stacks_there_is_nothing_to_do(desk: Desk) -> None:
    destroy(DEV, desk.account, desk.said.append, yes=True)
    assert desk.said == ["There is no stack of dev in account 123456789012, region eu-west-1."]
    assert desk.asked == []


def test_a_bucket_that_fills_again_is_emptied_again(
    desk: Desk, emptied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = iter([1, 0])

    def cdk(arguments: list[str]) -> int:
        desk.asked.append(arguments)
        if not (status := next(statuses)):
            desk.cloudformation.stacks.clear()
        return status

    object.__setattr__(desk.account, "cdk", cdk)
    destroy(DEV, desk.account, desk.said.append, yes=True)
    assert desk.asked == [DESTROY, DESTROY]
    assert emptied == ["lake", "backups"] * 2


def test_it_gives_up_at_what_does_not_go(desk: Desk, emptied: list[str]) -> None:
    with pytest.raises(FailedError, match="left Daybook-dev-Lake"):
        destroy(DEV, desk.account, desk.said.append, yes=True)
    assert desk.asked == [DESTROY] * removal.ATTEMPTS


def test_a_command_that_says_it_is_done_is_not_believed(desk: Desk, emptied: list[str]) -> None:
    """The stacks are looked for: a command line whose stacks have other names removes none, and ends with 0."""
    desk.statuses += [0, 0, 0]
    with pytest.raises(FailedError, match="ended with 0, and left"):
        destroy(DEV, desk.account, desk.said.append, yes=True)
