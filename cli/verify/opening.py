"""Opens the ledger's tables for a verification of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from botocore.config import Config

from cli.environments.place import Place
from cli.errors import PlaceError
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.item_walk import DynamoDBItemWalk
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.segment_fold import PATIENCE_SECONDS
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.verification.lookup import DynamoDBLookup
from lambdas.verification.walking import Tables

PATIENT: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"})
"""What reads by this client repeats by itself. A page of a Scan has up to 1 MB."""


class Size(msgspec.Struct, frozen=True):
    """Of a table, about: AWS counts its items and bytes every six hours."""

    items: int
    table_bytes: int


class Sizes(msgspec.Struct, frozen=True):
    """Of the ledger's tables."""

    events: Size
    receipts: Size
    commands: Size


class LedgerTables(msgspec.Struct, frozen=True):
    """The ledger's tables, and what says how large they are. Calling it raises ClientError, BotoCoreError."""

    tables: Tables
    sizes: Callable[[], Sizes]


def open_tables(place: Place) -> LedgerTables:
    """The tables of an environment. Raises PlaceError."""
    outputs = place.outputs("Ledger")
    try:
        events, receipts, commands = (outputs[f"{each}TableName"] for each in ("Event", "Receipts", "Commands"))
    except KeyError as error:
        raise PlaceError(f"The ledger stack of {place.environment} has no output {error.args[0]}.") from None
    client = place.client("dynamodb", PATIENT)

    def size(table: str) -> Size:
        described = client.describe_table(TableName=table)["Table"]
        return Size(described.get("ItemCount", 0), described.get("TableSizeBytes", 0))

    def new_deadline() -> Deadline:
        return Deadline(PATIENCE_SECONDS)

    tables = Tables(
        walk=DynamoDBTableWalk(client, event_table=events),
        store=DynamoDBEventStore(client, event_table=events),
        receipts=DynamoDBItemWalk(client, table=receipts, consistent=False),
        commands=DynamoDBItemWalk(client, table=commands, consistent=False),
        lookup=DynamoDBLookup(client, event_table=events, commands_table=commands, new_deadline=new_deadline),
        new_deadline=new_deadline,
    )
    return LedgerTables(tables, lambda: Sizes(size(events), size(receipts), size(commands)))
