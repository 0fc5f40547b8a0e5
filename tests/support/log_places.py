"""The places the suite of the log runs against: memory, moto, and for the index any endpoint (see `backends`)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import boto3
from moto import mock_aws

from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.index import HASH_KEY, RANGE_KEY, LogIndex
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore
from lambdas.transparency.s3_store import S3LogStore
from tests.support.backends import ENDPOINT_VARIABLE, NO_WAITING, endpoint_client
from tests.support.dynamodb_tables import REGION, LockedClient, moto_client

NewStore = Callable[[], LogStore]
"""A log without objects."""
NewIndex = Callable[[], LogIndex]
"""An index without items."""


def store_names() -> list[str]:
    """The places of objects in this run."""
    return ["memory", "moto"]


def index_names() -> list[str]:
    """The places of indexes in this run."""
    return ["memory", "moto"] + (["endpoint"] if os.environ.get(ENDPOINT_VARIABLE) else [])


def stores(name: str) -> AbstractContextManager[NewStore]:
    """What gives logs to the tests of a module."""
    return {"memory": _memory_stores, "moto": _moto_stores}[name]()


def indexes(name: str) -> AbstractContextManager[NewIndex]:
    """What gives indexes to the tests of a module; everything is removed at the end."""
    return {"memory": _memory_indexes, "moto": _moto_indexes, "endpoint": _endpoint_indexes}[name]()


@cache
def s3_client() -> Any:
    """A client for moto, made once. To be called within `mock_aws`."""
    return boto3.client("s3", region_name=REGION)


@contextmanager
def moto_s3() -> Iterator[Any]:
    """A client of an S3 without buckets in this process. moto is not thread-safe: one call at a time."""
    with mock_aws():
        yield LockedClient(s3_client())


def create_bucket(client: Any) -> str:
    """A new bucket, under Object Lock as that of the log; its name."""
    name = f"log-{uuid.uuid4().hex}"
    where = {"LocationConstraint": REGION}
    client.create_bucket(Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    return name


def create_index_table(client: Any) -> str:
    """A new table of an index; its name."""
    name = f"daybook-test-log-index-{uuid.uuid4().hex}"
    keys = ((HASH_KEY, "HASH", "S"), (RANGE_KEY, "RANGE", "N"))
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind, _ in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": of} for key, _, of in keys],
    )
    return name


def index_on(client: Any, table: str, **options: Any) -> DynamoDBLogIndex:
    """The index in a table that exists; `options` are those of TableRequests."""
    return DynamoDBLogIndex(client, table, **{"backoff": NO_WAITING, **options})


@contextmanager
def _memory_stores() -> Iterator[NewStore]:
    yield MemoryLogStore


@contextmanager
def _moto_stores() -> Iterator[NewStore]:
    with moto_s3() as client:
        yield lambda: S3LogStore(client, create_bucket(client), backoff=NO_WAITING)


@contextmanager
def _memory_indexes() -> Iterator[NewIndex]:
    yield MemoryLogIndex


@contextmanager
def _moto_indexes() -> Iterator[NewIndex]:
    with moto_client() as client:
        yield lambda: index_on(client, create_index_table(client))


@contextmanager
def _endpoint_indexes() -> Iterator[NewIndex]:
    client = endpoint_client(os.environ[ENDPOINT_VARIABLE])
    tables: list[str] = []

    def new() -> LogIndex:
        tables.append(create_index_table(client))
        client.get_waiter("table_exists").wait(TableName=tables[-1], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        return index_on(client, tables[-1])

    try:
        yield new
    finally:
        for table in tables:
            client.delete_table(TableName=table)
