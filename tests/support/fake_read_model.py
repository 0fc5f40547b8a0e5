"""The part of DynamoDB that read models use beyond the event store: keys-only indexes, batches, checks and additions.

Strict as `fake_dynamodb`. Sources: Amazon DynamoDB API Reference (BatchGetItem, BatchWriteItem, DeleteItem, Query,
TransactWriteItems); Developer Guide, "Supported data types and naming rules" (38 digits).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.projections.dynamodb import table
from tests.support.fake_dynamodb import MAX_ACTIONS, FakeDynamoDB, _answer, _reason, client_error, reversed_bounds
from tests.support.fake_expressions import Item, bounds, sortable, updated

MOST_DIGITS = 38
KEYS = (table.HASH_KEY, table.RANGE_KEY)
_KNOWN = {
    "TableName", "IndexName", "ConsistentRead", "KeyConditionExpression", "ExpressionAttributeNames",
    "ExpressionAttributeValues", "Limit", "ExclusiveStartKey", "ReturnConsumedCapacity",
}  # fmt: skip


class FakeReadModelDynamoDB(FakeDynamoDB):
    """Tables of read models. Their indexes follow at once, unless `stand_still` was called.

    A batch leaves all but its first `batch_most` keys or items unprocessed.
    """

    def __init__(self, *names: str, page_bytes: int = 1024 * 1024) -> None:
        super().__init__(dict.fromkeys(names, KEYS), page_bytes=page_bytes)
        self.batch_most = 100
        self._stale: dict[str, list[Item]] | None = None

    def stand_still(self, *, still: bool = True) -> None:
        """From now on indexes do not follow their tables, or follow them again."""
        self._stale = {name: each.all() for name, each in self.tables.items()} if still else None

    def query(self, **request: Any) -> dict[str, Any]:
        """Strongly consistent on the table, and only eventually so on an index, where DynamoDB refuses the other."""
        assert not request.keys() - _KNOWN, request.keys() - _KNOWN
        index = next((each for each in table.INDEXES if each.name == request.get("IndexName")), None)
        assert request["ConsistentRead"] is (index is None), request
        hash_key, range_key = KEYS if index is None else (index.hash_key, index.range_key)
        condition, values = request["KeyConditionExpression"], request["ExpressionAttributeValues"]
        wanted = {"#s": hash_key} | ({"#v": range_key} if "#v" in condition else {})
        assert request["ExpressionAttributeNames"] == wanted
        first, last = bounds(condition, values)
        limit = request.get("Limit")
        if reversed_bounds(first, last) or (limit is not None and limit < 1):
            raise client_error("ValidationException", "Query")

        def order(item: Mapping[str, Any]) -> tuple[Any, ...]:
            return tuple(sortable(item[name]) for name in (range_key, *KEYS))

        with self._lock:
            standing = self._standing(request["TableName"], index is not None)
        items = [
            item
            for item in standing
            if item.get(hash_key) == values[":s"]
            and (first is None or sortable(item[range_key]) >= first)  # type: ignore[operator]
            and (last is None or sortable(item[range_key]) <= last)  # type: ignore[operator]
        ]
        items.sort(key=order)
        start = request.get("ExclusiveStartKey")
        if start is not None:
            items = [item for item in items if order(item) > order(start)]
        page = self._page(items, limit)
        shown = {hash_key, range_key, *KEYS}
        told = [dict(item) if index is None else {name: item[name] for name in shown} for item in page]
        answer = _answer(request.get("ReturnConsumedCapacity", "NONE"), Items=told, Count=len(page))
        if page and (len(page) < len(items) or len(page) == limit):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in shown}
        return answer

    def batch_get_item(
        self,
        *,
        RequestItems: Mapping[str, Any],  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """Consistent only. Raises ClientError: ValidationException for more than 100 keys, or for one twice."""
        ((name, asked),) = RequestItems.items()
        keys: Sequence[Item] = asked["Keys"]
        assert asked["ConsistentRead"], "a test must not read eventually consistent"
        if not 1 <= len(keys) <= 100 or len({str(key) for key in keys}) != len(keys):
            raise client_error("ValidationException", "BatchGetItem")
        with self._lock:
            found = [self.tables[name].get(key) for key in keys[: self.batch_most]]
        left = keys[self.batch_most :]
        return _answer(
            ReturnConsumedCapacity,
            Responses={name: [dict(item) for item in reversed(found) if item is not None]},
            UnprocessedKeys={name: {**asked, "Keys": left}} if left else {},
        )

    def batch_write_item(
        self,
        *,
        RequestItems: Mapping[str, Any],  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """Deletes only. Raises ClientError: ValidationException for more than 25."""
        ((name, requests),) = RequestItems.items()
        if not 1 <= len(requests) <= 25:
            raise client_error("ValidationException", "BatchWriteItem")
        for request in requests[: self.batch_most]:
            self._delete(name, request["DeleteRequest"]["Key"])
        left = requests[self.batch_most :]
        return _answer(ReturnConsumedCapacity, UnprocessedItems={name: left} if left else {})

    def delete_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """Without a condition."""
        self._delete(TableName, Key)
        return _answer(ReturnConsumedCapacity)

    def transact_write_items(
        self,
        *,
        TransactItems: Sequence[Mapping[str, Any]],  # noqa: N803
        ReturnConsumedCapacity: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """As of `FakeDynamoDB`, with checks, and with a reason for a number that gets too long."""
        actions = [next(iter(action.items())) for action in TransactItems]
        with self._lock:
            keys = {(write["TableName"], str(self._key(write))) for _, write in actions}
            if not 1 <= len(actions) <= MAX_ACTIONS or len(keys) != len(actions):
                raise client_error("ValidationException", "TransactWriteItems")
            checks = [self._check(write) for _, write in actions]
            reasons = [_reason(write, *check) for (_, write), check in zip(actions, checks, strict=True)]
            for place, (kind, write) in enumerate(actions):
                if kind == "Update" and self._too_long(write):
                    reasons[place] = {"Code": "ValidationError", "Message": "Number overflow."}
            if any(reason["Code"] != "None" for reason in reasons):
                raise client_error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
            self._write([write for kind, write in actions if kind != "ConditionCheck"])
        return _answer(ReturnConsumedCapacity)

    def _standing(self, name: str, index: bool) -> list[Item]:
        return self.tables[name].all() if self._stale is None or not index else self._stale[name]

    def _delete(self, name: str, key: Item) -> None:
        with self._lock:
            here = self.tables[name]
            if here.get(key) is not None:
                here.delete(key[here.hash_key]["S"], here.range_value(key))

    def _too_long(self, update: Mapping[str, Any]) -> bool:
        item = updated(update, self.tables[update["TableName"]].get(update["Key"]))
        return any(len(value["N"].strip("-")) > MOST_DIGITS for value in item.values() if "N" in value)
