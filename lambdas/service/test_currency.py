"""Who may open an account in the test currency: callers that the environment's config names, and nobody else.

Such accounts are left out of every report. So whoever could open one could also hide what moves on it.
"""

from __future__ import annotations

from collections.abc import Collection

from lambdas.accounts.commands import AccountCommand, OpenAccount
from lambdas.accounts.errors import NoTestCallerError
from lambdas.accounts.money import TEST_CURRENCY


def check_caller(command: AccountCommand, caller: str, test_callers: Collection[str]) -> None:
    """Raise NoTestCallerError if the command opens a test account and its caller is none of `test_callers`.

    `caller` is the actor in an event's metadata: the unique id of an IAM principal. Its own id tells it nothing new.
    """
    if isinstance(command, OpenAccount) and command.currency == TEST_CURRENCY and caller not in test_callers:
        raise NoTestCallerError(
            f"{TEST_CURRENCY} is the test currency, and {caller} is none of this environment's test_callers"
        )
