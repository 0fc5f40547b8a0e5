"""Where stored commands are, and clients to reach them: the running local system, or an environment in AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from cli.environments.lake import SqlError, emulated, plain, stack_outputs
from cli.environments.place import STACK

INVOCATION_SECONDS = 120
"""Longer than the processor may run: whoever stops waiting for it does not know what it did."""


class RedriveError(Exception):
    """Commands cannot be redriven. The message is a sentence for the operator."""


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """`command_processor` names the function. `region` None: as AWS's own tools find it; the URL is an emulator's."""

    commands_table: str
    command_parking_bucket: str
    command_processor: str
    region: str | None = None
    aws_endpoint_url: str | None = None


class Clients(msgspec.Struct, frozen=True):
    """boto3's low-level clients."""

    dynamodb: Any
    functions: Any
    s3: Any


def inbox_in_file(path: Path) -> Inbox:
    """The inbox that an environment file describes. Raises RedriveError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Inbox)
    except OSError as error:
        raise RedriveError(
            f"cannot read {path} ({error.strerror}): is the system running? Otherwise give --env."
        ) from error
    except msgspec.MsgspecError as error:
        raise RedriveError(f"{path} does not describe a running system with stored commands: {error}") from error


def inbox_in_aws(environment: str, region: str | None) -> Inbox:
    """The inbox that the outputs of an environment's stacks name. Raises RedriveError."""
    try:
        outputs = {
            **stack_outputs(STACK.format(environment=environment, name="Ledger"), region),
            **stack_outputs(STACK.format(environment=environment, name="Commands"), region),
        }
        return Inbox(
            commands_table=outputs["CommandsTableName"],
            command_parking_bucket=outputs["CommandParkingBucketName"],
            command_processor=outputs["CommandProcessorName"],
            region=region,
        )
    except SqlError as error:
        raise RedriveError(plain(error)) from error
    except KeyError as error:
        raise RedriveError(f"the stacks of {environment} have no output {error.args[0]}") from None


def open_clients(inbox: Inbox) -> Clients:
    """Clients that reach the inbox. Raises RedriveError when AWS's configuration is incomplete."""
    once = Config(connect_timeout=5, read_timeout=INVOCATION_SECONDS, retries={"total_max_attempts": 1})
    again = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 5, "mode": "standard"})

    def client(service: str, config: Config) -> Any:
        return boto3.client(service, region_name=inbox.region, config=config, **emulated(inbox.aws_endpoint_url))

    try:
        return Clients(client("dynamodb", again), client("lambda", once), client("s3", again))
    except (BotoCoreError, ValueError) as error:
        raise RedriveError(f"AWS's configuration is not complete: {error}") from error
