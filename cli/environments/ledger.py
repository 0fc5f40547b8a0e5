"""Where a ledger is, and a store to read it."""

from __future__ import annotations

from pathlib import Path

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.store import EventStore
from lambdas.inbox.table import receipt_table


class LedgerError(Exception):
    """It is not clear where the ledger is. The message is a sentence for the operator."""


class Ledger(msgspec.Struct, frozen=True):
    """The event table. `region` None: as AWS's own tools find it; an `aws_endpoint_url` stands for an emulator."""

    event_table: str
    region: str | None = None
    aws_endpoint_url: str | None = None


def ledger_in_file(path: Path) -> Ledger:
    """The ledger that an environment file describes. Raises LedgerError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ledger)
    except OSError as error:
        raise LedgerError(f"Cannot read {path} ({error.strerror}): is the system running?") from error
    except msgspec.MsgspecError as error:
        raise LedgerError(f"{path} does not describe a running system: {error}.") from error


def open_store(ledger: Ledger) -> EventStore:
    """A store that reads the ledger. Raises LedgerError when AWS's configuration is incomplete."""
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})
    try:
        session = boto3.Session(region_name=ledger.region)
        if ledger.aws_endpoint_url is not None and session.get_credentials() is None:
            session = boto3.Session("local", "local", region_name=ledger.region)  # an emulator takes any
        client = session.client("dynamodb", endpoint_url=ledger.aws_endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise LedgerError(str(error)) from error
    return DynamoDBEventStore(client, event_table=ledger.event_table, receipts=receipt_table(name=""))
