"""Requests to the table of a read model, and their capacity units added up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.table_requests import Request, TableClient, TableRequests
from lambdas.projections.dynamodb.table import HASH_KEY, RANGE_KEY, Index
from lambdas.projections.errors import ReadModelUnavailableError
from lambdas.projections.read_model import Units


class Requests(TableRequests):
    """Sends requests to the table of a read model. Every method raises ReadModelUnavailableError."""

    def __init__(
        self,
        client: TableClient,
        table_name: str,
        *,
        backoff: Backoff | None = None,
        new_deadline: Callable[[], Deadline] = Deadline,
    ) -> None:
        super().__init__(
            client,
            table_name,
            unavailable=ReadModelUnavailableError,
            what="the read model's table",
            backoff=backoff,
            new_deadline=new_deadline,
        )
        self._lock = threading.Lock()
        self._units = Units()

    @property
    def units(self) -> Units:
        """What was consumed so far, as the answers say. A failed condition consumes units that no answer says."""
        with self._lock:
            return self._units

    def consumed(self, capacity: Any, *, writes: bool) -> None:
        """A batch or a transaction says the units of each table, and there is one."""
        tables: Sequence[Mapping[str, Any]] = capacity if isinstance(capacity, list) else [capacity]
        units = sum(float(each.get("CapacityUnits", 0.0)) for each in tables)
        with self._lock:
            read, write = self._units.read, self._units.write
            self._units = Units(read, write + units) if writes else Units(read + units, write)


def partition(name: str, first: str = "", last: str = "") -> Request:
    """A strongly consistent Query of a partition, or of its items with first ≤ range key ≤ last."""
    return _query(name, HASH_KEY, RANGE_KEY, first, last) | {"ConsistentRead": True}


def in_index(index: Index, name: str, first: str = "", last: str = "") -> Request:
    """The same of an index, which may be some moments behind its table."""
    request = _query(name, index.hash_key, index.range_key, first, last)
    return request | {"IndexName": index.name, "ConsistentRead": False}


def _query(name: str, hash_key: str, range_key: str, first: str, last: str) -> dict[str, Any]:
    """An empty bound is none: a range key is never empty, and DynamoDB takes no empty text in its place."""
    names, values = {"#s": hash_key}, {":s": {"S": name}}
    bounds = {":first": first, ":last": last}
    condition = {
        (False, False): "",
        (True, False): " AND #v >= :first",
        (False, True): " AND #v <= :last",
        (True, True): " AND #v BETWEEN :first AND :last",
    }[bool(first), bool(last)]
    return {
        "KeyConditionExpression": "#s = :s" + condition,
        "ExpressionAttributeNames": names | ({"#v": range_key} if condition else {}),
        "ExpressionAttributeValues": values | {key: {"S": bound} for key, bound in bounds.items() if bound},
    }
