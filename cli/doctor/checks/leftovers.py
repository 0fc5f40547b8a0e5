"""Stacks of earlier attempts that stand in the way of the next. Nothing else does: no resource has a fixed name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, problem

STUCK: Final = frozenset({
    "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_FAILED",
})  # fmt: skip
"""States from which a deployment does not go on by itself. Source: CloudFormation User Guide, "Stack status codes"."""


def _mend(account: Account, stack: str, status: str) -> str:
    if status == "UPDATE_ROLLBACK_FAILED":  # it was complete once: nothing to remove
        return f"aws cloudformation continue-update-rollback --stack-name {stack}"
    return f"make recover ENV={account.config.name}"


def _look_at_stacks(account: Account) -> Iterator[Seen]:
    stacks = account.stacks
    stuck = {name: each["StackStatus"] for name, each in stacks.items() if each["StackStatus"] in STUCK}
    for name, status in stuck.items():
        stack = f"Daybook-{account.config.name}-{name}"
        yield problem(f"the stack {stack} is in {status}", _mend(account, stack, status))
    if not stuck:
        yield ok(f"{len(stacks)} stacks of {account.config.name}, none of them stuck" if stacks else "no stacks yet")


STACKS = Check(
    "stacks",
    "CloudFormation updates no stack whose creation failed, and the CDK may delete none that is protected.",
    _look_at_stacks,
)
