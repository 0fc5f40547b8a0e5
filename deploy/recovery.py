"""After a first deployment that failed: what stands in the way of another attempt, and removing it.

A stack whose creation was rolled back can only be deleted, and the command line may not delete a protected one. What it
kept, such as tables that refused to be deleted, is nobody's. Nothing is touched that was ever complete or holds data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import WaiterError

from deploy.account import Account
from deploy.contents import BUCKET, TABLE, exists, holds_something, remove
from deploy.errors import FailedError, RefusedError
from deploy.stacks import FAILED_CREATIONS, Leftover, Stack, created_by, stacks_of, was_ever_complete
from stacks.environment import Environment

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A stack whose creation failed, and the empty tables and buckets of it that are there."""

    stack: Stack
    empty: tuple[Leftover, ...]

    def sentences(self) -> list[str]:
        """What will be done, step by step."""
        unprotect = [f"turn off termination protection of {self.stack.name}"] if self.stack.protected else []
        return [
            *unprotect,
            f"delete the stack {self.stack.name} ({self.stack.status}), which never was complete",
            *(f"delete {each.id} ({each.type}), which is empty" for each in self.empty),
        ]


def recover(config: Environment, account: Account, say: Say, *, yes: bool) -> None:
    """Say what would be done; with `yes` do it. Raises RefusedError, before anything was done, and FailedError."""
    removals = plan(config, account)
    _tell_of_others(config, account, removals, say)
    if not removals:
        say(f"Nothing to remove: no stack of {config.name} failed while it was created.")
        return
    for each in removals:
        for sentence in each.sentences():
            say(f"  {sentence}")
    if not yes:
        say(f"Nothing was done yet. To do it: make recover ENV={config.name} YES=1")
        return
    for each in removals:
        _carry_out(account, each)
        say(f"Removed {each.stack.name}.")
        for kept in created_by(account.client("cloudformation"), each.stack):
            if kept not in each.empty:
                say(f"  Its {kept.id} ({kept.type}) was kept, and is in nobody's way.")
    say(f"Now again: make deploy ENV={config.name}")


def _tell_of_others(config: Environment, account: Account, removals: Sequence[Removal], say: Say) -> None:
    """Name the stacks that are stuck and were complete once: these hold what was in use, and are not removed here."""
    to_remove = {each.stack.name for each in removals}
    for each in stacks_of(account.client("cloudformation"), config.name):
        if each.status == "UPDATE_ROLLBACK_FAILED":
            command = f"aws cloudformation continue-update-rollback --stack-name {each.name}"
            say(f"{each.name} is {each.status}: find out why in its events, then {command}")
        elif each.status in FAILED_CREATIONS and each.name not in to_remove:
            say(f"{each.name} is {each.status}, was complete once, and is left to you.")


def plan(config: Environment, account: Account) -> list[Removal]:
    """What has to go, the newest stack first. Raises RefusedError if something goes on, or holds data."""
    cloudformation = account.client("cloudformation")
    stacks = stacks_of(cloudformation, config.name)
    if busy := [f"{each.name} is {each.status}" for each in stacks if each.is_busy]:
        raise RefusedError(f"Wait until CloudFormation has ended: {', '.join(busy)}.")
    failed = [each for each in reversed(stacks) if not was_ever_complete(cloudformation, each)]
    return [_removal(account, cloudformation, each) for each in failed]


def _removal(account: Account, cloudformation: Any, stack: Stack) -> Removal:
    present = [
        each for each in created_by(cloudformation, stack) if each.type in {TABLE, BUCKET} and exists(account, each)
    ]
    if full := [each.id for each in present if holds_something(account, each)]:
        raise RefusedError(
            f"{stack.name} never was complete, and yet holds data: {', '.join(full)}. "
            "Look at it; what may go, remove yourself."
        )
    return Removal(stack=stack, empty=tuple(present))


def _carry_out(account: Account, removal: Removal) -> None:
    """Delete the stack, then what it kept. Raises FailedError."""
    cloudformation, stack = account.client("cloudformation"), removal.stack
    if stack.protected:
        cloudformation.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=stack.id)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack.id)
    except WaiterError as error:
        [told] = cloudformation.describe_stacks(StackName=stack.id)["Stacks"]
        reason = told.get("StackStatusReason", "")
        raise FailedError(f"{stack.name} is {told['StackStatus']}: {reason}") from error
    for each in removal.empty:
        if exists(account, each):
            if holds_something(account, each):
                raise FailedError(f"{each.id} holds data by now, and was left.")
            remove(account, each)
