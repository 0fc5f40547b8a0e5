"""The part of DynamoDB that the event store uses, in memory: fast enough for thousands of seeded runs.

It is strict: an operation, parameter or expression the store does not use is an error. Where DynamoDB and moto differ,
it follows DynamoDB: `LastEvaluatedKey` is there whenever `Limit` was reached, and a BETWEEN with reversed bounds is
refused. `test_fake_dynamodb.py` sends the same calls to moto and compares.

Sources: Amazon DynamoDB API Reference (GetItem, PutItem, Query, TransactWriteItems, UpdateItem and their errors).
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from tests.support.fake_expressions import Item, Key, bounds, check_placeholders, holds, keyed, sortable, updated

_PARAMETERS = {
    "TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure", "ReturnConsumedCapacity",
}  # fmt: skip

PAGE_BYTES = 1024 * 1024
MAX_ACTIONS = 100


def client_error(code: str, operation: str, *, status: int = 400, **extra: Any) -> ClientError:
    """An error answer as botocore raises it."""
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **extra}
    return ClientError(response, operation)


class FakeTable:
    """Items by hash key, and in each partition by range key. Tests may tamper with `partitions`."""

    def __init__(self, hash_key: str, range_key: str) -> None:
        self.hash_key = hash_key
        self.range_key = range_key
        self.partitions: dict[str, dict[Key, Item]] = {}
        self._order: dict[str, list[Key]] = {}

    def get(self, item: Mapping[str, Any]) -> Item | None:
        """The item under the same key."""
        return self.partitions.get(item[self.hash_key]["S"], {}).get(self.range_value(item))

    def put(self, item: Item) -> None:
        """Add or replace, without a condition."""
        name, key = item[self.hash_key]["S"], self.range_value(item)
        partition = self.partitions.setdefault(name, {})
        if key not in partition:
            insort(self._order.setdefault(name, []), key)
        partition[key] = dict(item)

    def delete(self, name: str, key: Key) -> Item:
        """Remove and return an item. Raises KeyError."""
        self._order[name].remove(key)
        return self.partitions[name].pop(key)

    def range_value(self, item: Mapping[str, Any]) -> Key:
        """The range key as something that sorts."""
        return sortable(item[self.range_key])

    def between(self, name: str, first: Key | None, last: Key | None) -> list[Item]:
        """The items of a partition with first ≤ range key ≤ last, ascending."""
        order = self._order.get(name, [])
        start = 0 if first is None else bisect_left(order, first)
        end = len(order) if last is None else bisect_right(order, last)
        partition = self.partitions.get(name, {})
        return [partition[key] for key in order[start:end]]

    def all(self) -> list[Item]:
        """All items, in no order that means anything."""
        return [item for partition in self.partitions.values() for item in partition.values()]


class FakeDynamoDB:
    """A low-level client. Thread-safe. `observe` is called, in order, with the items of each write that took effect."""

    def __init__(
        self,
        tables: Mapping[str, tuple[str, str]],
        *,
        page_bytes: int = PAGE_BYTES,
        observe: Callable[[Sequence[Item]], None] = lambda items: None,
    ) -> None:
        self.tables = {name: FakeTable(*keys) for name, keys in tables.items()}
        self._page_bytes = page_bytes
        self._observe = observe
        self._lock = threading.Lock()

    def put_item(self, **put: Any) -> dict[str, Any]:
        """Raises ClientError: ConditionalCheckFailedException, with the Item when asked for."""
        return self._write_one("PutItem", put)

    def update_item(self, **update: Any) -> dict[str, Any]:
        """As `put_item`. Where there is no item, one is made, unless a condition forbids it."""
        return self._write_one("UpdateItem", update)

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """Consistent only. No Item where there is none."""
        assert ConsistentRead, "a test must not read eventually consistent"
        with self._lock:
            item = self.tables[TableName].get(Key)
        return _answer(ReturnConsumedCapacity, **({} if item is None else {"Item": dict(item)}))

    def transact_write_items(
        self,
        *,
        TransactItems: Sequence[Mapping[str, Any]],  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """Raises ClientError: TransactionCanceledException with a reason for each action, ValidationException."""
        writes = [action["Put"] if "Put" in action else action["Update"] for action in TransactItems]
        if not 1 <= len(writes) <= MAX_ACTIONS or any(len(action) != 1 for action in TransactItems):
            raise client_error("ValidationException", "TransactWriteItems")
        with self._lock:
            keys = {(write["TableName"], str(self._key(write))) for write in writes}
            if len(keys) != len(writes):
                raise client_error("ValidationException", "TransactWriteItems")
            checks = [self._check(write) for write in writes]
            if not all(passed for passed, _ in checks):
                reasons = [_reason(write, *check) for write, check in zip(writes, checks, strict=True)]
                raise client_error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
            self._write(writes)
        return _answer(ReturnConsumedCapacity)

    def query(
        self,
        *,
        TableName: str,  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
        KeyConditionExpression: str,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str],  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Mapping[str, str]],  # noqa: N803
        ScanIndexForward: bool = True,  # noqa: N803
        Limit: int | None = None,  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """Raises ClientError: ValidationException for reversed bounds or a limit below 1."""
        assert ConsistentRead, "the store must not read eventually consistent"
        table = self.tables[TableName]
        expected = {"#s": table.hash_key} | ({"#v": table.range_key} if "#v" in KeyConditionExpression else {})
        assert ExpressionAttributeNames == expected
        first, last = bounds(KeyConditionExpression, ExpressionAttributeValues)
        if reversed_bounds(first, last) or (Limit is not None and Limit < 1):
            raise client_error("ValidationException", "Query")
        with self._lock:
            items = table.between(ExpressionAttributeValues[":s"]["S"], first, last)
            if not ScanIndexForward:
                items.reverse()
            page = self._page(items, Limit)
            answer = _answer(ReturnConsumedCapacity, Items=[dict(item) for item in page], Count=len(page))
            if page and (len(page) < len(items) or len(page) == Limit):
                answer["LastEvaluatedKey"] = {k: page[-1][k] for k in (table.hash_key, table.range_key)}
        return answer

    def _page(self, items: list[Item], limit: int | None) -> list[Item]:
        size = 0
        for count, item in enumerate(items[:limit], 1):
            size += item_bytes(item)
            if size >= self._page_bytes:
                return items[:count]
        return items[:limit]

    def _key(self, write: Mapping[str, Any]) -> tuple[str, Key]:
        table, item = self.tables[write["TableName"]], keyed(write)
        return item[table.hash_key]["S"], table.range_value(item)

    def _check(self, write: Mapping[str, Any]) -> tuple[bool, Item | None]:
        unknown = write.keys() - _PARAMETERS - ({"Key", "UpdateExpression"} if "Key" in write else {"Item"})
        assert not unknown, f"parameters the fake does not know: {unknown}"
        check_placeholders(write)
        existing = self.tables[write["TableName"]].get(keyed(write))
        expression = write.get("ConditionExpression")
        return expression is None or holds(expression, write, existing), existing

    def _write_one(self, operation: str, write: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            passed, existing = self._check(write)
            if not passed:
                raise client_error("ConditionalCheckFailedException", operation, **_returned(write, existing))
            self._write([write])
        return _answer(write.get("ReturnConsumedCapacity", "NONE"))

    def _write(self, writes: Sequence[Mapping[str, Any]]) -> None:
        items = []
        for write in writes:
            table = self.tables[write["TableName"]]
            items.append(updated(write, table.get(write["Key"])) if "Key" in write else write["Item"])
            table.put(items[-1])
        self._observe(items)


def reversed_bounds(first: Key | None, last: Key | None) -> bool:
    """Whether DynamoDB refuses the bounds. Both are of one type."""
    return first is not None and last is not None and bool(first > last)  # type: ignore[operator]


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item, within a few bytes of DynamoDB's rules."""
    return sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())


def _answer(capacity: str, **members: Any) -> dict[str, Any]:
    """An answer; it says the consumed capacity (not a true one) if that was asked for."""
    told: dict[str, Any] = {} if capacity == "NONE" else {"ConsumedCapacity": {}}
    return {**members, **told, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _returned(write: Mapping[str, Any], existing: Item | None) -> dict[str, Any]:
    wanted = write.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and existing is not None
    return {"Item": dict(existing)} if wanted and existing is not None else {}


def _reason(write: Mapping[str, Any], passed: bool, existing: Item | None) -> dict[str, Any]:
    return {"Code": "None"} if passed else {"Code": "ConditionalCheckFailed", **_returned(write, existing)}
