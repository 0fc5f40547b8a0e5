"""The account and region that the credentials lead to, and the CDK's command line there."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import AccountError
from local.machine.layout import REPOSITORY
from local.setup.toolchain import BIN, cdk_program
from stacks.environment import Environment

RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 5})


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where a command works. `client` opens a client of a service; `cdk` runs the command line, to its exit status."""

    number: str
    region: str
    client: Callable[[str], Any]
    cdk: Callable[[Sequence[str]], int]

    def __str__(self) -> str:
        """For people."""
        return f"account {self.number}, region {self.region}"


def open_account(config: Environment) -> Account:
    """The account of the credentials in use, found as boto3 and the CDK find them. Raises AccountError.

    It is refused if the environment is at home in another one. The CDK would refuse it, too, after a synthesis.
    """
    session = boto3.Session(region_name=config.region or None)
    if not session.region_name:
        raise AccountError("No region is chosen. Set AWS_REGION, or `region` of the environment.")
    try:
        number = session.client("sts", config=RETRIES).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise AccountError(f"There are no usable AWS credentials: {error}") from error
    if config.account not in ("", number):
        raise AccountError(
            f"{config.name} is at home in account {config.account}, and the credentials are of {number}."
        )
    return Account(
        number=number,
        region=session.region_name,
        client=lambda service: session.client(service, config=RETRIES),
        cdk=lambda arguments: _run(arguments, region=session.region_name),
    )


def _run(arguments: Sequence[str], *, region: str) -> int:
    """Run the pinned command line with the caller's credentials and terminal, for it may ask."""
    environment = {**os.environ, "AWS_REGION": region, "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")])}
    try:
        return subprocess.run([*cdk_program(), *arguments], cwd=REPOSITORY, env=environment, check=False).returncode
    except FileNotFoundError:
        raise AccountError("The CDK command line is not installed. Run `make install`.") from None
