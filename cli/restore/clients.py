"""Clients for restoring tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.environments.place import Place
from cli.errors import UnavailableError, plain

RETRIES: Final = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 8, "mode": "standard"})
"""Each request may be sent twice: none does more the second time."""


class Clients(msgspec.Struct, frozen=True):
    """boto3's low-level clients."""

    dynamodb: Any
    cloudformation: Any
    functions: Any


def open_clients(place: Place) -> Clients:
    """Clients for the ledger's tables and stack, and for the functions that write. Raises PlaceError."""
    return Clients(
        place.client("dynamodb", RETRIES), place.client("cloudformation", RETRIES), place.client("lambda", RETRIES)
    )


@contextmanager
def answered() -> Iterator[None]:
    """Raises UnavailableError for a request that was refused or not answered."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise UnavailableError(f"{plain(error)}; repeating the command is safe.") from error


def code(error: ClientError) -> str:
    """The name of a service's error."""
    return str(error.response["Error"]["Code"])
