"""Where an environment is that a command works on: its account or emulator, and what its stacks' outputs name."""

from __future__ import annotations

import argparse
import re
from datetime import date
from pathlib import Path
from typing import Any, Final

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from cli.environments.lake import LOCAL, SqlError, Target, emulated, plain, stack_outputs, target_in_aws, target_in_file
from cli.environments.ledger import Ledger, LedgerError, ledger_in_file
from lambdas.accounts.text import UUID_PATTERN

STACK: Final = "Daybook-{environment}-{name}"


class Place(msgspec.Struct, frozen=True):
    """An environment. `aws_endpoint_url` stands for an emulator, and `region` None for AWS's own way to find it."""

    environment: str
    environment_file: Path
    region: str | None = None
    aws_endpoint_url: str | None = None

    def output(self, stack: str, name: str) -> str:
        """An output of one of the environment's stacks. Raises SqlError."""
        full_name = STACK.format(environment=self.environment, name=stack)
        try:
            return stack_outputs(full_name, self.region, self.aws_endpoint_url)[name]
        except KeyError:
            raise SqlError(f"{full_name} has no output {name}.") from None

    def ledger(self) -> Ledger:
        """The event table. Raises SqlError."""
        return Ledger(self.output("Ledger", "EventTableName"), self.region, self.aws_endpoint_url)

    def lake(self) -> Target:
        """Where statements over the lake are run. Raises SqlError."""
        if self.environment == LOCAL:
            return target_in_file(self.environment_file)
        return target_in_aws(self.environment, region=self.region)

    def client(self, service: str, config: Config) -> Any:
        """A low-level client. Raises SqlError when AWS's configuration is incomplete."""
        try:
            return boto3.client(service, region_name=self.region, config=config, **emulated(self.aws_endpoint_url))
        except (BotoCoreError, ValueError) as error:
            raise SqlError(f"AWS's configuration is not complete: {plain(error)}.") from error


def add_options(command: argparse.ArgumentParser, environment_file: Path) -> None:
    """The options that `place_of` reads."""
    command.add_argument("--env", default=LOCAL, metavar="NAME", help="local (default), dev, staging or prod")
    command.add_argument("--environment-file", type=Path, default=environment_file, metavar="PATH", help="of local")
    command.add_argument("--region", help="of another --env than local (default: as AWS's own tools find it)")


def place_of(options: argparse.Namespace) -> Place:
    """The place that the options name. Raises SqlError."""
    if options.env != LOCAL:
        return Place(options.env, options.environment_file, options.region)
    if options.region is not None:
        raise SqlError("--region goes with --env dev, staging or prod.")
    try:
        ledger = ledger_in_file(options.environment_file)
    except LedgerError as error:
        raise SqlError(f"{error} `make run` starts it, or give --env.") from error
    return Place(LOCAL, options.environment_file, ledger.region, ledger.aws_endpoint_url)


def account_id(text: str) -> str:
    """An account's id on the command line, in the form that it is stored in."""
    if not re.match(UUID_PATTERN, text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a UUID")
    return text.lower()


def day(text: str) -> date:
    """A day on the command line."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day as YYYY-MM-DD") from error
    if found.isoformat() != text:  # ISO 8601 has other forms: weeks, no hyphens
        raise argparse.ArgumentTypeError(f"{text!r} is not a day as YYYY-MM-DD")
    return found
