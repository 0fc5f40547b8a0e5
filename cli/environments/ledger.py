"""Finds the event table and opens a store that reads it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from botocore.config import Config

from cli.environments.clients import client
from cli.environments.running import read_running
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.store import EventStore

ONE_ATTEMPT = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})
"""The store retries by itself."""


class Ledger(msgspec.Struct, frozen=True):
    """The event table. `aws_endpoint_url` is an emulator's. With `region` None, AWS's own configuration names it."""

    event_table: str
    region: str | None = None
    aws_endpoint_url: str | None = None


def ledger_in_file(path: Path) -> Ledger:
    """The ledger that an environment file describes. Raises PlaceError."""
    return read_running(path, Ledger, endpoint="aws_endpoint_url")


def open_store(ledger: Ledger) -> EventStore:
    """A store that reads the ledger: it has no table of receipts and no inbox. Raises PlaceError."""
    dynamodb = client("dynamodb", ledger.region, ledger.aws_endpoint_url, ONE_ATTEMPT, bound=True)
    return DynamoDBEventStore(dynamodb, event_table=ledger.event_table)
