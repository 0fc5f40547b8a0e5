"""Counts the round trips and the capacity of a read model's table, with what its indexes are written.

Sources, besides those of `metering`: Amazon DynamoDB Developer Guide, "Using Global Secondary Indexes in DynamoDB"
(an index is written only if what it holds of the item changes: once if the item comes or goes, twice if its key there
changes; a Query of an index reads what it returns, at half the units); API Reference, BatchGetItem (each item of a
batch is rounded up for itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.projections.dynamodb import table
from tests.support.metering import MeteredClient, Request, item_bytes, read_units, write_units

KEYS = (table.HASH_KEY, table.RANGE_KEY)


class ReadModelMeter(MeteredClient):
    """As its base, and also for the operations of a read model. A put looks at what it replaces, unmetered."""

    def query(self, **kwargs: Any) -> Mapping[str, Any]:
        """An index holds keys only, so that all that was read is what is returned."""
        answer: Mapping[str, Any] = self._client.query(**kwargs)
        units = read_units(sum(item_bytes(item) for item in answer["Items"]))
        factor = 1.0 if kwargs["ConsistentRead"] else 0.5
        self._record(Request("Query", read_units=factor * units, items=len(answer["Items"])))
        return answer

    def get_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """One read unit for each 4 KB, also for an item that is not there."""
        answer = self._client.get_item(**kwargs)
        self._record(Request("GetItem", read_units=read_units(_size(answer.get("Item"))), items=int("Item" in answer)))
        return answer

    def batch_get_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """The units of each item, also of one that is not there."""
        answer: Mapping[str, Any] = self._client.batch_get_item(**kwargs)  # type: ignore[attr-defined]
        ((name, asked),) = kwargs["RequestItems"].items()
        items = answer["Responses"].get(name, [])
        left = len((answer.get("UnprocessedKeys") or {}).get(name, {}).get("Keys", []))
        absent = len(asked["Keys"]) - left - len(items)
        units = sum(read_units(item_bytes(item)) for item in items) + absent
        self._record(Request("BatchGetItem", read_units=units, items=len(items)))
        return answer

    def scan(self, **kwargs: Any) -> Mapping[str, Any]:
        """Nothing scans a read model: it would read all of it."""
        raise AssertionError(f"a read model is scanned: {kwargs}")

    def put_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """One write unit for each 1 KB of the larger of both items, and what the indexes are written."""
        before = self._item(kwargs["TableName"], kwargs["Item"])
        units = write_units(max(_size(before), item_bytes(kwargs["Item"])))
        try:
            answer = self._client.put_item(**kwargs)
        except Exception:
            self._record(Request("PutItem", write_units=units, failed=True))
            raise
        self._record(Request("PutItem", write_units=units + index_units(before, kwargs["Item"])))
        return answer

    def delete_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """One write unit for each 1 KB that was there."""
        before = self._item(kwargs["TableName"], kwargs["Key"])
        answer: Mapping[str, Any] = self._client.delete_item(**kwargs)  # type: ignore[attr-defined]
        self._record(Request("DeleteItem", write_units=write_units(_size(before)) + index_units(before, {})))
        return answer

    def batch_write_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """The units of each item that is deleted; nothing may be left unprocessed."""
        ((name, requests),) = kwargs["RequestItems"].items()
        before = [self._item(name, request["DeleteRequest"]["Key"]) for request in requests]
        answer: Mapping[str, Any] = self._client.batch_write_item(**kwargs)  # type: ignore[attr-defined]
        assert not answer.get("UnprocessedItems")
        units = sum(write_units(_size(item)) + index_units(item, {}) for item in before)
        self._record(Request("BatchWriteItem", write_units=units))
        return answer

    def _action_bytes(self, action: Mapping[str, Any]) -> int:
        """A check takes what a write of the item would."""
        if "ConditionCheck" in action:
            return _size(self._item(action["ConditionCheck"]["TableName"], action["ConditionCheck"]["Key"]))
        return super()._action_bytes(action)

    def _item(self, name: str, holder: Mapping[str, Any]) -> Mapping[str, Any] | None:
        key = {each: holder[each] for each in KEYS}
        item: Mapping[str, Any] | None = self._client.get_item(TableName=name, Key=key, ConsistentRead=True).get("Item")
        return item


def index_units(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> int:
    """What writing an item costs in the indexes. Their entries are below 1 KB."""
    units = 0
    for index in table.INDEXES:
        old, new = (
            tuple(str(item.get(key)) for key in index[1:]) if item is not None and index.hash_key in item else None
            for item in (before, after)
        )
        if old != new:
            units += (old is not None) + (new is not None)
    return units


def _size(item: Mapping[str, Any] | None) -> int:
    return 0 if item is None else item_bytes(item)
