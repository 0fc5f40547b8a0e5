"""What earlier attempts left behind, and what stands in the way of the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from botocore.exceptions import ClientError

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, problem
from cli.doctor.errors import NotThereError

STUCK: Final = frozenset({
    "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_FAILED",
})  # fmt: skip
"""States from which a deployment does not go on by itself. Source: CloudFormation User Guide, "Stack status codes"."""


def _recover(account: Account) -> str:
    return f"make recover ENV={account.config.name}"


def _look_at_stacks(account: Account) -> Iterator[Seen]:
    stacks = account.stacks
    stuck = {name: each["StackStatus"] for name, each in stacks.items() if each["StackStatus"] in STUCK}
    for name, status in stuck.items():
        yield problem(f"the stack Daybook-{account.config.name}-{name} is in {status}", _recover(account))
    if not stuck:
        yield ok(f"{len(stacks)} stacks of {account.config.name}, none of them stuck" if stacks else "no stacks yet")


def _named(kind: str, name: Callable[[str], str], is_there: Callable[[Account, str], bool]) -> Check:
    """A check that something with a fixed name is not there before the lake's stack is."""

    def look(account: Account) -> Iterator[Seen]:
        fixed = name(account.config.name)
        if account.is_deployed("Lake"):
            yield ok(f"the {kind} {fixed} belongs to the lake's stack")
        elif is_there(account, fixed):
            yield problem(f"the {kind} {fixed} is there, and the lake's stack is not", _recover(account))
        else:
            yield ok(f"no {kind} {fixed} is in the way")

    return Check(kind, "Its name is fixed, so a stack that would create it fails for as long as it is there.", look)


def _database_is_there(account: Account, name: str) -> bool:
    try:
        account.ask("glue", "get_database", Name=name)
    except NotThereError:
        return False
    return True


def _workgroup_is_there(account: Account, name: str) -> bool:
    try:
        account.ask("athena", "get_work_group", WorkGroup=name)
    except NotThereError:
        return False
    except ClientError as error:  # Athena's API Reference gives GetWorkGroup no other client error
        if error.response["Error"].get("Code") != "InvalidRequestException":
            raise
        return False
    return True


STACKS = Check(
    "stacks",
    "CloudFormation updates no stack whose creation failed, and the CDK may delete none that is protected.",
    _look_at_stacks,
)
DATABASE = _named("Glue database", lambda environment: f"daybook_{environment}", _database_is_there)
WORKGROUP = _named("Athena workgroup", lambda environment: f"daybook-{environment}", _workgroup_is_there)
