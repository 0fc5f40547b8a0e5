"""The places the store suite runs against: memory, a strict fake, moto, and any endpoint that speaks DynamoDB.

DAYBOOK_TEST_DYNAMODB_ENDPOINT names the endpoint (`http://localhost:8000`, or one of AWS's own). AWS_REGION and the
usual credential variables are respected; on an endpoint outside AWS they may be missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
from botocore.config import Config

from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.limits import MAX_ROW_BYTES
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Commit, EventRow
from lambdas.eventsourcing.store import EventStore
from tests.support.dynamodb_tables import KEYS, REGION, Tables, create_tables, moto_client, store_on
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.stores import as_is

ENDPOINT_VARIABLE = "DAYBOOK_TEST_DYNAMODB_ENDPOINT"
SEED_ROWS = 100
"""Rows in one call of `seed` to the store in memory: what a commit may hold."""
BATCH_ROWS = 25
"""What a BatchWriteItem may hold."""


MOTO_ITEM_BYTES = 405_000
"""The largest item that moto takes; DynamoDB takes 409,600 bytes."""


@dataclass(frozen=True)
class Backend:
    """A store, and a way to put rows into it that no command wrote: any versions, none checked."""

    store: EventStore
    seed: Callable[[Sequence[EventRow]], None]
    largest_item: int = field(default=MAX_ROW_BYTES, kw_only=True)


@dataclass(frozen=True)
class DynamoDBBackend(Backend):
    """A store on DynamoDB or something like it; `on` makes the same store on another client, such as a wrapped one."""

    client: Any
    tables: Tables

    def on(self, client: Any) -> EventStore:
        """The store on the same tables through `client`."""
        return store_on(client, self.tables, backoff=NO_WAITING)


NO_WAITING = Backoff(sleep=lambda seconds: None)

NewBackend = Callable[[], Backend]
"""Gives a backend for one test. Streams of several tests may share its tables, so their ids differ."""


NewId = Callable[[], str]
"""Gives an id that was not used before."""


def names() -> list[str]:
    """The backends of this run."""
    return ["memory", *dynamodb_names()]


def dynamodb_names() -> list[str]:
    """Those that speak DynamoDB."""
    return ["fake", "moto"] + (["endpoint"] if os.environ.get(ENDPOINT_VARIABLE) else [])


def backends(name: str) -> AbstractContextManager[NewBackend]:
    """What gives backends of this name to the tests of a module; everything is removed at the end."""
    return {"memory": _memory, "fake": _fake, "moto": _moto, "endpoint": _endpoint}[name]()


@contextmanager
def _memory() -> Iterator[NewBackend]:
    def new() -> Backend:
        store = InMemoryEventStore()
        return Backend(store, lambda rows: _commit_all(store, rows))

    yield new


@contextmanager
def _fake() -> Iterator[NewBackend]:
    def new() -> Backend:
        tables = Tables("events", "commands")
        fake = FakeDynamoDB(dict(zip(tables, KEYS.values(), strict=True)))

        def seed(rows: Sequence[EventRow]) -> None:
            for row in rows:
                fake.tables[tables.events].put(row_to_item(row))

        return DynamoDBBackend(store_on(fake, tables, backoff=NO_WAITING), seed, fake, tables)

    yield new


@contextmanager
def _moto() -> Iterator[NewBackend]:
    """Tables for every test: moto copies a whole table for each action of a transaction."""
    with moto_client() as client:
        yield lambda: replace(_on_tables(client, create_tables(client)), largest_item=MOTO_ITEM_BYTES)


@contextmanager
def _endpoint() -> Iterator[NewBackend]:
    """The same tables for all tests of a module: real ones take seconds to appear."""
    client = endpoint_client(os.environ[ENDPOINT_VARIABLE])
    tables = create_tables(client)
    try:
        for table in tables:
            client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        backend = _on_tables(client, tables)
        yield lambda: backend
    finally:
        for table in tables:
            client.delete_table(TableName=table)


def _on_tables(client: Any, tables: Tables) -> DynamoDBBackend:
    def seed(rows: Sequence[EventRow]) -> None:
        for start in range(0, len(rows), BATCH_ROWS):
            puts = [{"PutRequest": {"Item": row_to_item(row)}} for row in rows[start : start + BATCH_ROWS]]
            pending = {tables.events: puts}
            while pending:
                pending = client.batch_write_item(RequestItems=pending).get("UnprocessedItems")

    return DynamoDBBackend(store_on(client, tables, backoff=NO_WAITING), seed, client, tables)


def endpoint_client(url: str) -> Any:
    """A client that does not retry, as the store wants it; patient, since a laptop may be far away."""
    config = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})
    session = boto3.Session(region_name=os.environ.get("AWS_REGION", REGION))
    if session.get_credentials() is None:
        session = boto3.Session("test", "test", region_name=session.region_name)
    return session.client("dynamodb", endpoint_url=url, config=config)


def _commit_all(store: InMemoryEventStore, rows: Sequence[EventRow]) -> None:
    for start in range(0, len(rows), SEED_ROWS):
        chunk = tuple(rows[start : start + SEED_ROWS])
        store.commit(as_is(Commit(chunk[0].commit_id, chunk)), deadline=Deadline())
