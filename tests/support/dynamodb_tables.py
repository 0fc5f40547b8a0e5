"""The three tables of the event store, and that of a read model, on anything that speaks DynamoDB."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import boto3
from moto import mock_aws

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.inbox import table as commands_table
from lambdas.projections.dynamodb import table as read_model

REGION = "eu-central-1"
KEYS = {
    "events": (schema.EVENT_TABLE_HASH_KEY, schema.EVENT_TABLE_RANGE_KEY),
    "commands": (commands_table.HASH_KEY, commands_table.RANGE_KEY),
    "receipts": (schema.RECEIPT_TABLE_HASH_KEY, schema.RECEIPT_TABLE_RANGE_KEY),
}


class Tables(NamedTuple):
    """The names of an event table, a commands table and a table of receipts."""

    events: str
    commands: str
    receipts: str = "receipts"


class LockedClient:
    """One call at a time: moto in this process is not thread-safe."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._client, operation)

        def locked(**kwargs: Any) -> Any:
            with self._lock:
                return call(**kwargs)

        return locked


@cache
def dynamodb_client() -> Any:
    """A client for moto, made once, for that takes longer than most tests. To be called within `mock_aws`."""
    return boto3.client("dynamodb", region_name=REGION)


@contextmanager
def moto_client() -> Iterator[LockedClient]:
    """A client of an empty DynamoDB in this process."""
    with mock_aws():
        yield LockedClient(dynamodb_client())


def create_tables(client: Any) -> Tables:
    """New tables, empty."""
    tables = Tables(*(f"daybook-test-{name}-{uuid.uuid4().hex}" for name in Tables._fields))
    for name, (hash_key, range_key) in zip(tables, KEYS.values(), strict=True):
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_key_schema(hash_key, range_key),
            AttributeDefinitions=[
                {"AttributeName": hash_key, "AttributeType": "S"},
                {"AttributeName": range_key, "AttributeType": "N" if range_key == "version" else "S"},
            ],
        )
    return tables


def create_read_model_table(client: Any) -> str:
    """A new table of a read model, empty, with its indexes; its name."""
    name = f"daybook-test-read-model-{uuid.uuid4().hex}"
    keys = dict.fromkeys(
        [read_model.HASH_KEY, read_model.RANGE_KEY, *(key for each in read_model.INDEXES for key in each[1:])]
    )
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_key_schema(read_model.HASH_KEY, read_model.RANGE_KEY),
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index.hash_key, index.range_key),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index in read_model.INDEXES
        ],
    )
    return name


def _key_schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def store_on(client: Any, tables: Tables, **options: Any) -> DynamoDBEventStore:
    """The event store on these tables; `options` are its own."""
    return DynamoDBEventStore(
        client,
        event_table=tables.events,
        receipt_table=tables.receipts,
        inbox=commands_table.inbox_table(tables.commands),
        **options,
    )
