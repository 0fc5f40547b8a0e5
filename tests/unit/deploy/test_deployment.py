"""When protection against deletion is left out, and that it then comes."""

from __future__ import annotations

import pytest

from deploy.deployment import bootstrap, deploy, diff, protect
from deploy.errors import FailedError, RefusedError
from stacks.environment import DEV, PROD, STACKS_WITH_DATA
from tests.unit.deploy.conftest import Desk

PLAIN = ["deploy", "**", "-c", "env=prod"]
FIRST = [*PLAIN, "-c", "first=true"]


def has(desk: Desk, *, protected: bool, without: str = "", **statuses: str) -> None:
    """The stacks of `prod` that hold data, complete unless another status is given."""
    for name in STACKS_WITH_DATA:
        if name != without:
            status = statuses.get(name, "CREATE_COMPLETE")
            desk.cloudformation.add(f"Daybook-prod-{name}", status, protected=protected)


def test_the_first_deployment_leaves_protection_out_and_says_so(desk: Desk) -> None:
    deploy(PROD, desk.account, desk.said.append)
    assert desk.asked == [FIRST]
    assert desk.said == [
        "cdk deploy '**' -c env=prod -c first=true",
        "Nothing protects its data yet: `make protect ENV=prod`.",
    ]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"])
def test_so_does_every_attempt_until_all_are_complete(desk: Desk, status: str) -> None:
    has(desk, protected=False, Lake=status)
    deploy(PROD, desk.account, desk.said.append)
    assert desk.asked == [FIRST]


def test_a_missing_one_is_still_to_be_created(desk: Desk) -> None:
    has(desk, protected=False, without="Lake")
    deploy(PROD, desk.account, desk.said.append)
    assert desk.asked == [FIRST]


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"])
def test_with_all_complete_the_next_deployment_protects(desk: Desk, status: str) -> None:
    has(desk, protected=False, Ledger=status)
    deploy(PROD, desk.account, desk.said.append)
    assert desk.asked == [PLAIN]


def test_a_deployment_that_adds_a_stack_takes_no_protection_away(desk: Desk) -> None:
    has(desk, protected=True, without="Lake")
    deploy(PROD, desk.account, desk.said.append)
    assert desk.asked == [PLAIN]


def test_stacks_of_others_do_not_count(desk: Desk) -> None:
    has(desk, protected=False, without="Lake")
    desk.cloudformation.add("Daybook-staging-Lake", "CREATE_COMPLETE", protected=True)
    desk.cloudformation.add("Daybook-prod-eu-Lake", "CREATE_COMPLETE", protected=True)
    deploy(PROD, desk.account, desk.said.append)
    assert desk.asked == [FIRST]


def test_what_protects_no_data_is_deployed_alike_each_time(desk: Desk) -> None:
    deploy(DEV, desk.account, desk.said.append, ["--require-approval=never"])
    assert desk.asked == [["deploy", "**", "-c", "env=dev", "--require-approval=never"]]
    with pytest.raises(RefusedError, match="dev protects no data"):
        protect(DEV, desk.account, desk.said.append)


def test_a_failure_leads_to_recovery(desk: Desk) -> None:
    desk.statuses.append(1)
    with pytest.raises(FailedError, match="`cdk deploy` ended with 1") as failed:
        deploy(PROD, desk.account, desk.said.append)
    assert "make recover ENV=prod" in failed.value.detail
    assert not [line for line in desk.said if "protect" in line]


def test_what_is_not_there_is_not_protected(desk: Desk) -> None:
    has(desk, protected=False, without="Ledger", Lake="ROLLBACK_COMPLETE")
    with pytest.raises(RefusedError, match="Not deployed yet: Ledger, Lake"):
        protect(PROD, desk.account, desk.said.append)
    assert desk.asked == []


def test_protection_that_did_not_come_is_noticed(desk: Desk) -> None:
    has(desk, protected=False)
    with pytest.raises(FailedError, match="Still not protected against deletion: Notifications, Ledger"):
        protect(PROD, desk.account, desk.said.append)
    assert desk.asked == [PLAIN]


def test_protecting_again_changes_nothing_and_ends_well(desk: Desk) -> None:
    has(desk, protected=True)
    protect(PROD, desk.account, desk.said.append)
    assert desk.asked == [PLAIN]
    assert desk.said[-1].startswith("Protected against deletion: Notifications, Ledger, Backup, DomainEvents, Lake")


def test_bootstrapping_names_the_account_and_region_of_the_credentials(desk: Desk) -> None:
    bootstrap(PROD, desk.account, desk.said.append)
    assert desk.asked == [["bootstrap", "aws://123456789012/eu-west-1", "-c", "env=prod"]]


def test_a_comparison_changes_nothing_and_needs_no_list_of_stacks(desk: Desk) -> None:
    """The role with which pull requests are compared may not list them."""
    diff(PROD, desk.account, desk.said.append)
    assert desk.asked == [["diff", "**", "-c", "env=prod", "--method=template"]]
