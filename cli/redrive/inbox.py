"""Finds the commands table, its parking bucket and its processor, and opens clients for them."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from botocore.config import Config

from cli.environments.clients import client
from cli.environments.place import Place
from cli.environments.running import read_running
from cli.errors import PlaceError

INVOCATION_SECONDS: Final = 120
"""Longer than the processor may run: a client that times out does not know the outcome."""

ONCE: Final = Config(connect_timeout=5, read_timeout=INVOCATION_SECONDS, retries={"total_max_attempts": 1})
AGAIN: Final = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 5, "mode": "standard"})


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """`command_processor` names the function; the URL is an emulator's. `region` None: from AWS's configuration."""

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


def inbox_of(place: Place) -> Inbox:
    """The inbox that the local system's file or the stacks' outputs name. Raises PlaceError."""
    if place.is_local:
        return read_running(place.environment_file, Inbox, wanted=" with stored commands")
    outputs = {**place.outputs("Ledger"), **place.outputs("Commands")}
    try:
        return Inbox(
            commands_table=outputs["CommandsTableName"],
            command_parking_bucket=outputs["CommandParkingBucketName"],
            command_processor=outputs["CommandProcessorName"],
            region=place.region,
        )
    except KeyError as error:
        raise PlaceError(f"The stacks of {place.environment} have no output {error.args[0]}.") from None


def open_clients(inbox: Inbox) -> Clients:
    """Clients for the inbox. The one for the processor makes no retries. Raises PlaceError."""
    region, endpoint = inbox.region, inbox.aws_endpoint_url
    return Clients(
        client("dynamodb", region, endpoint, AGAIN),
        client("lambda", region, endpoint, ONCE),
        client("s3", region, endpoint, AGAIN),
    )
