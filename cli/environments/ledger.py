"""Where the event table is, and a store to read it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from botocore.config import Config

from cli.environments.clients import client
from cli.environments.running import read_running
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.store import EventStore
from lambdas.inbox.table import receipt_table

ONE_ATTEMPT = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})
"""The store retries by itself."""


class Ledger(msgspec.Struct, frozen=True):
    """The event table. `region` None: as AWS's own tools find it; an `aws_endpoint_url` stands for an emulator."""

    event_table: str
    region: str | None = None
    aws_endpoint_url: str | None = None


def ledger_in_file(path: Path) -> Ledger:
    """The ledger that an environment file describes. Raises PlaceError."""
    return read_running(path, Ledger)


def open_store(ledger: Ledger) -> EventStore:
    """A store that reads the ledger, and cannot keep receipts. Raises PlaceError."""
    dynamodb = client("dynamodb", ledger.region, ledger.aws_endpoint_url, ONE_ATTEMPT)
    return DynamoDBEventStore(dynamodb, event_table=ledger.event_table, receipts=receipt_table(name=""))
