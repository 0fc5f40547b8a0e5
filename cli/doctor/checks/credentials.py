"""Who asks, and whether it is the account that the environment belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError, NoCredentialsError

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, problem
from cli.doctor.errors import SilentError

LOG_IN: Final = "aws sso login, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def _look(account: Account) -> Iterator[Seen]:
    try:
        caller = account.ask("sts", "get_caller_identity")
    except ClientError as error:
        yield problem(f"AWS refuses the credentials: {error.response['Error'].get('Code')}", LOG_IN)
        return
    except SilentError as error:
        if not isinstance(error.__cause__, NoCredentialsError):
            raise
        yield problem("there are no credentials", LOG_IN)
        return
    name, expected = account.config.name, account.config.account
    if expected and caller["Account"] != expected:
        yield problem(
            f"{caller['Arn']} is in account {caller['Account']}, and {name} belongs to {expected}",
            f"take credentials of {expected}, or change `account` of {name} in stacks/environment.py",
        )
    else:
        where = "" if expected else f"; {name} is bound to no account"
        yield ok(f"account {caller['Account']}, as {caller['Arn']}{where}")


CREDENTIALS = Check(
    "credentials", "A deployment goes into whatever account the credentials are for, and stays there.", _look
)
