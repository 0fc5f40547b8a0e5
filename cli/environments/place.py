"""The environment that a command works on: its region or emulator, and the outputs of its stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from botocore.config import Config

from cli.environments import clients
from cli.environments.clients import stack_outputs
from cli.environments.lake import Target, target_in_aws, target_in_file
from cli.environments.ledger import Ledger, ledger_in_file
from cli.environments.running import read_running
from cli.errors import PlaceError, UsageError
from cli.options import LOCAL, Where
from cli.progress import Steps

STACK: Final = "Daybook-{environment}-{name}"


class Place(msgspec.Struct, frozen=True):
    """An environment. `aws_endpoint_url` is an emulator's. With `region` None, AWS's own configuration names it."""

    environment: str
    environment_file: Path
    region: str | None = None
    aws_endpoint_url: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is the local system."""
        return self.environment == LOCAL

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of one of the environment's stacks by name. Raises PlaceError."""
        name = STACK.format(environment=self.environment, name=stack)
        with Steps(f"Reading the outputs of {name}"):
            return stack_outputs(name, self.region, self.aws_endpoint_url)

    def output(self, stack: str, name: str) -> str:
        """An output of one of the environment's stacks. Raises PlaceError."""
        try:
            return self.outputs(stack)[name]
        except KeyError:
            full_name = STACK.format(environment=self.environment, name=stack)
            raise PlaceError(f"{full_name} has no output {name}.") from None

    def ledger(self) -> Ledger:
        """The event table. Raises PlaceError."""
        return Ledger(self.output("Ledger", "EventTableName"), self.region, self.aws_endpoint_url)

    def lake(self, *, workgroup: str | None = None, database: str | None = None) -> Target:
        """Where SQL on the lake runs. In AWS, the arguments override the stack's outputs. Raises PlaceError."""
        if self.is_local:
            return target_in_file(self.environment_file)
        return target_in_aws(self.environment, region=self.region, workgroup=workgroup, database=database)

    def client(self, service: str, config: Config) -> Any:
        """A low-level client. Raises PlaceError when AWS's configuration is not complete."""
        return clients.client(service, self.region, self.aws_endpoint_url, config)


class _Running(msgspec.Struct):
    """What a place needs of the environment file. The endpoint is required: without it a command would go to AWS."""

    aws_endpoint_url: str
    region: str | None = None


def place_of(where: Where) -> Place:
    """The place that the options name. Raises UsageError, PlaceError."""
    if where.env != LOCAL:
        return Place(where.env, where.environment_file, where.region)
    if where.region is not None:
        raise UsageError("--region goes with --env, not with the local system.")
    running = read_running(where.environment_file, _Running)
    return Place(LOCAL, where.environment_file, running.region, running.aws_endpoint_url)


def lake_of(where: Where, *, workgroup: str | None = None, database: str | None = None) -> Target:
    """Where SQL on an environment's lake runs. Raises UsageError, PlaceError.

    Of the local system the file says it, so nobody needs to be asked.
    """
    if where.env == LOCAL and where.region is None:
        return target_in_file(where.environment_file)
    return place_of(where).lake(workgroup=workgroup, database=database)


def ledger_of(where: Where, event_table: str | None = None) -> Ledger:
    """The event table that the options name: itself, or that of an environment. Raises PlaceError.

    Of the local system the file says it, so nobody needs to be asked.
    """
    if event_table is not None:
        return Ledger(event_table, where.region)
    return ledger_in_file(where.environment_file) if where.env == LOCAL else place_of(where).ledger()
