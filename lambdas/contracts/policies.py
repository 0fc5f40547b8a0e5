"""Which managed policy lets a caller use which operation: what goes together is in one."""

from __future__ import annotations

from typing import Final

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.operations import OPERATIONS, Operation

MAY_READ: Final = "MayReadAccounts"
MAY_LIST: Final = "MayListAccounts"
MAY_READ_TOTALS: Final = "MayReadTotals"
MAY_COMMAND: Final = "MayCommand"
ACTION: Final = "execute-api:Invoke"
"""All that calling an API needs. Source: API Gateway Developer Guide, "Control access for invoking an API"."""

_OF_ALL_ACCOUNTS: Final = {"listAccounts": MAY_LIST, "getTotals": MAY_READ_TOTALS}
"""To learn which accounts there are, or what they hold together, is more than to read those whose ids one knows."""


def policy_of(operation: Operation) -> str:
    """The policy that allows an operation. What became of a command is for whoever may send one."""
    if operation.operation_id in _OF_ALL_ACCOUNTS:
        return _OF_ALL_ACCOUNTS[operation.operation_id]
    return MAY_READ if operation in OPERATIONS and operation.method == "GET" else MAY_COMMAND


def operations_of(policy: str) -> tuple[Operation, ...]:
    """The operations that a policy is for: each is in one list.

    In IAM a star stands for slashes, too: who may read any account may read all below it, so also what became of a
    command. Commands are in one policy only. A star stands for nothing as well, so whoever may read accounts may ask
    for `/accounts/`: no list is there, since no path ends with a slash (`lambdas.httpapi.routing.served`).
    Source: IAM User Guide, "IAM JSON policy elements: Resource".
    """
    return tuple(each for each in (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS) if policy_of(each) == policy)
