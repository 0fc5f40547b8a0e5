"""The places the suite of read models runs against: memory, a strict fake, moto, and any endpoint (see `backends`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from lambdas.projections.control import ControlRow
from lambdas.projections.dynamodb.read_model import ReadModelTable
from lambdas.projections.dynamodb.requests import Requests
from lambdas.projections.lag import Positions
from lambdas.projections.memory import (
    MemoryControlRow,
    MemoryPositions,
    MemoryReadModel,
    MemorySegments,
    MemoryTable,
)
from lambdas.projections.projection import AnyProjection
from lambdas.projections.read_model import ReadModel
from lambdas.projections.segments import Segments
from tests.support.backends import ENDPOINT_VARIABLE, NO_WAITING, dynamodb_names, endpoint_client
from tests.support.dynamodb_tables import create_read_model_table, moto_client
from tests.support.fake_read_model import FakeReadModelDynamoDB


@dataclass(frozen=True)
class Ports:
    """All ports of one projection, on one table."""

    rows: ReadModel[Any]
    control: ControlRow
    segments: Segments
    positions: Positions


@dataclass(frozen=True)
class TablePorts(Ports):
    """Those on DynamoDB, or something like it."""

    client: Any
    table_name: str
    projection: AnyProjection
    largest_number: int = 10**38 - 1

    def on(self, client: Any, **options: Any) -> TablePorts:
        """The same table through another client, such as a wrapped one; `options` are those of `Requests`."""
        return table_ports(client, self.table_name, self.projection, **options)


NewPorts = Callable[[AnyProjection], Ports]
"""The ports of a projection on an empty table."""


def table_ports(client: Any, table_name: str, projection: AnyProjection, **options: Any) -> TablePorts:
    """The ports on a table that exists."""
    model = ReadModelTable(Requests(client, table_name, **{"backoff": NO_WAITING, **options}), projection)
    return TablePorts(model, model.control, model.segments, model.positions, client, table_name, projection)


def fake_ports(projection: AnyProjection) -> TablePorts:
    """The ports on a fake of their own."""
    return table_ports(FakeReadModelDynamoDB("read-model"), "read-model", projection)


def names() -> list[str]:
    """The places of this run."""
    return ["memory", *dynamodb_names()]


def places(name: str) -> AbstractContextManager[NewPorts]:
    """What gives ports to the tests of a module; everything is removed at the end."""
    return {"memory": _memory, "fake": _fake, "moto": _moto, "endpoint": _endpoint}[name]()


@contextmanager
def _memory() -> Iterator[NewPorts]:
    def new(projection: AnyProjection) -> Ports:
        table = MemoryTable()
        return Ports(MemoryReadModel(table), MemoryControlRow(table), MemorySegments(table), MemoryPositions(table))

    yield new


@contextmanager
def _fake() -> Iterator[NewPorts]:
    yield fake_ports


@contextmanager
def _moto() -> Iterator[NewPorts]:
    with moto_client() as client:
        yield lambda projection: table_ports(client, create_read_model_table(client), projection)


@contextmanager
def _endpoint() -> Iterator[NewPorts]:
    """A table for every test, since each has one control row. Emulators add with the 28 digits of Python's decimals."""
    url = os.environ[ENDPOINT_VARIABLE]
    client = endpoint_client(url)
    tables: list[str] = []

    def new(projection: AnyProjection) -> Ports:
        tables.append(create_read_model_table(client))
        client.get_waiter("table_exists").wait(TableName=tables[-1], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        ports = table_ports(client, tables[-1], projection)
        return ports if url.endswith(".amazonaws.com") else replace(ports, largest_number=10**28 - 1)

    try:
        yield new
    finally:
        for table in tables:
            client.delete_table(TableName=table)
