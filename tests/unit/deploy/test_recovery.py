"""What is read from CloudFormation's events before anything is removed. The rest runs on an emulator, in tests/e2e."""

from __future__ import annotations

import pytest

from deploy.errors import RefusedError
from deploy.recovery import plan, recover
from deploy.stacks import STACK, Leftover, created_by, stacks_of, was_ever_complete
from stacks.environment import PROD
from tests.unit.deploy.conftest import Desk

LEDGER = "Daybook-prod-Ledger"
TOPIC = "AWS::SNS::Topic"


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_while_something_goes_on_nothing_is_planned(desk: Desk, status: str) -> None:
    desk.cloudformation.add(LEDGER, "ROLLBACK_COMPLETE")
    desk.cloudformation.add("Daybook-prod-Lake", status)
    with pytest.raises(RefusedError, match=f"Wait until CloudFormation has ended: Daybook-prod-Lake is {status}"):
        recover(PROD, desk.account, desk.said.append, yes=True)


def test_the_newest_goes_first(desk: Desk) -> None:
    for name in ("Ledger", "Lake", "Publisher"):
        desk.cloudformation.add(f"Daybook-prod-{name}", "ROLLBACK_COMPLETE")
    assert [each.stack.short for each in plan(PROD, desk.account)] == ["Publisher", "Lake", "Ledger"]


def test_a_change_set_that_waits_for_review_is_a_creation_that_never_began(desk: Desk) -> None:
    desk.cloudformation.add(LEDGER, "REVIEW_IN_PROGRESS")
    assert [each.stack.name for each in plan(PROD, desk.account)] == [LEDGER]


@pytest.mark.parametrize("status", ["DELETE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE"])
@pytest.mark.parametrize("completion", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"])
def test_a_stack_that_was_ever_complete_is_left(desk: Desk, status: str, completion: str) -> None:
    stack_id = desk.cloudformation.add(LEDGER, status)
    desk.cloudformation.tell(stack_id, STACK, stack_id, completion)
    desk.cloudformation.tell(stack_id, STACK, stack_id, status)
    assert plan(PROD, desk.account) == []


def test_so_is_one_that_could_not_be_deleted_and_does_not_tell_how_it_began(desk: Desk) -> None:
    stack_id = desk.cloudformation.add(LEDGER, "DELETE_FAILED")
    desk.cloudformation.tell(stack_id, STACK, stack_id, "DELETE_FAILED")
    assert plan(PROD, desk.account) == []


def test_one_whose_creation_failed_and_then_its_deletion_is_removed(desk: Desk) -> None:
    stack_id = desk.cloudformation.add(LEDGER, "DELETE_FAILED")
    for status in ("CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_FAILED"):
        desk.cloudformation.tell(stack_id, STACK, stack_id, status)
    assert [each.stack.name for each in plan(PROD, desk.account)] == [LEDGER]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE", "CREATE_COMPLETE"])
def test_so_is_one_of_which_only_an_update_failed(desk: Desk, status: str) -> None:
    desk.cloudformation.add(LEDGER, status)
    assert plan(PROD, desk.account) == []


def test_what_is_stuck_and_not_to_be_removed_is_named(desk: Desk) -> None:
    desk.cloudformation.add("Daybook-prod-Api", "UPDATE_ROLLBACK_FAILED")
    stack_id = desk.cloudformation.add(LEDGER, "DELETE_FAILED")
    desk.cloudformation.tell(stack_id, STACK, stack_id, "CREATE_COMPLETE")
    recover(PROD, desk.account, desk.said.append, yes=True)
    assert desk.said[0].endswith("aws cloudformation continue-update-rollback --stack-name Daybook-prod-Api")
    assert desk.said[1] == f"{LEDGER} is DELETE_FAILED, was complete once, and is left to you."
    assert desk.said[2].startswith("Nothing to remove")


def test_a_resource_that_completed_makes_no_complete_stack(desk: Desk) -> None:
    stack_id = desk.cloudformation.add(LEDGER, "ROLLBACK_COMPLETE")
    desk.cloudformation.tell(stack_id, TOPIC, "topic", "CREATE_COMPLETE")
    [stack] = stacks_of(desk.cloudformation, "prod")
    assert not was_ever_complete(desk.cloudformation, stack)


def test_only_what_the_stack_created_and_did_not_remove_is_its_own(desk: Desk) -> None:
    stack_id = desk.cloudformation.add(LEDGER, "ROLLBACK_COMPLETE")
    for name, statuses in {
        "kept": ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_SKIPPED"],
        "stuck": ["CREATE_COMPLETE", "DELETE_FAILED"],
        "gone": ["CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"],
        "somebody else's": ["CREATE_IN_PROGRESS", "CREATE_FAILED"],
    }.items():
        for status in statuses:
            desk.cloudformation.tell(stack_id, TOPIC, name, status)
    [stack] = stacks_of(desk.cloudformation, "prod")
    assert set(created_by(desk.cloudformation, stack)) == {Leftover(type=TOPIC, id=name) for name in ("kept", "stuck")}
