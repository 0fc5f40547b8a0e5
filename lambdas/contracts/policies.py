"""Which managed policy lets a caller use which operation: what goes together is in one."""

from __future__ import annotations

import re
from typing import Final

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.operations import OPERATIONS, Operation

MAY_READ: Final = "MayReadAccounts"
MAY_LIST: Final = "MayListAccounts"
MAY_READ_TOTALS: Final = "MayReadTotals"
MAY_AUDIT: Final = "MayAudit"
MAY_COMMAND: Final = "MayCommand"
ACTION: Final = "execute-api:Invoke"
"""All that calling an API needs. Source: API Gateway Developer Guide, "Control access for invoking an API"."""

_OF_THEIR_OWN: Final = {"listAccounts": MAY_LIST, "getTotals": MAY_READ_TOTALS, "getRows": MAY_AUDIT}
"""To learn which accounts there are, or what they hold together, is more than to read those whose ids one knows; and so
is who acted, which stands in the rows."""

ANY_ACCOUNT: Final = "????????-????-????-????-????????????"
"""Every account's id, in the wildcards of IAM: a question mark stands for one character, a star for any number of them,
also none, and slashes too. Source: IAM User Guide, "IAM JSON policy elements: Resource"."""

_ACCOUNT: Final = "{account_id}"
_PARAMETER: Final = re.compile(r"\{\w+\}")


def policy_of(operation: Operation) -> str:
    """The policy that allows an operation. What became of a command is for whoever may send one."""
    if operation.operation_id in _OF_THEIR_OWN:
        return _OF_THEIR_OWN[operation.operation_id]
    return MAY_READ if operation in OPERATIONS and operation.method == "GET" else MAY_COMMAND


def operations_of(policy: str) -> tuple[Operation, ...]:
    """The operations that a policy is for: each is in one list, and no other policy allows it."""
    return tuple(each for each in (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS) if policy_of(each) == policy)


def route_of(operation: Operation) -> tuple[str, str]:
    """Method and path of an operation as they end a policy's resources.

    An account's id has a fixed length there, so that who may read an account reads nothing below it that a route of
    its own does not allow. What comes after the id is `*`: see ADR 26.
    """
    return operation.method, _PARAMETER.sub("*", operation.path.replace(_ACCOUNT, ANY_ACCOUNT))
