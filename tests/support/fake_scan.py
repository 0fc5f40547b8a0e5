"""A fake DynamoDB whose tables can be scanned in segments; `test_table_walk.py` compares it with moto.

As DynamoDB does, it tells segments apart by a hash of the partition key, gives the items of a partition together, and
gives a `LastEvaluatedKey` whenever `Limit` was reached. Source: Amazon DynamoDB API Reference, Scan.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from tests.support.fake_dynamodb import FakeDynamoDB, FakeTable, item_bytes
from tests.support.fake_expressions import Item

PAGE_BYTES = 1024 * 1024
READ_UNIT_BYTES = 4096
_EXPECTED = ("TableName", "Segment", "TotalSegments", "Limit")


class ScannedDynamoDB(FakeDynamoDB):
    """Scans are consistent, and say what they consume."""

    def __init__(self, tables: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(tables, **options)
        self._hashed: dict[str, list[tuple[bytes, str]]] = {}

    def scan(self, **request: Any) -> dict[str, Any]:
        """One page."""
        name, segment, segments, limit = (request.pop(each) for each in _EXPECTED)
        assert request.pop("ConsistentRead"), "a walk must not read eventually consistent"
        assert request.pop("ReturnConsumedCapacity") == "TOTAL"
        assert 0 <= segment < segments
        start = request.pop("ExclusiveStartKey", None)
        assert not request, f"parameters the fake does not know: {request}"
        with self._lock:
            table = self.tables[name]
            items: list[Item] = []
            size = 0
            more = False
            for item in self._items(name, table, segment, segments, start):
                if len(items) == limit or size >= PAGE_BYTES:
                    more = True
                    break
                items.append(dict(item))
                size += item_bytes(item)
        units = max(1.0, float(-(-size // READ_UNIT_BYTES)))
        answer: dict[str, Any] = {"Items": items, "Count": len(items), "ConsumedCapacity": {"CapacityUnits": units}}
        if more or len(items) == limit:
            answer["LastEvaluatedKey"] = {name: items[-1][name] for name in (table.hash_key, table.range_key)}
        return answer

    def _items(self, name: str, table: FakeTable, segment: int, segments: int, start: Item | None) -> Iterator[Item]:
        order = self._order_of(name, table)
        place = 0
        if start is not None:
            partition = start[table.hash_key]["S"]
            assert _segment(_hash(partition), segments) == segment, "the key is of another segment"
            after = table.range_value(start)
            yield from (item for item in table.between(partition, after, None) if table.range_value(item) != after)
            place = bisect_right(order, (_hash(partition), partition))
        for hashed, partition in order[place:]:
            if _segment(hashed, segments) == segment:
                yield from table.between(partition, None, None)

    def _order_of(self, name: str, table: FakeTable) -> list[tuple[bytes, str]]:
        known = self._hashed.get(name, [])
        if len(known) != len(table.partitions):
            known = self._hashed[name] = sorted((_hash(partition), partition) for partition in table.partitions)
        return known


def _hash(partition: str) -> bytes:
    return sha256(partition.encode()).digest()


def _segment(hashed: bytes, segments: int) -> int:
    """Segments are ranges of hashes."""
    return int.from_bytes(hashed[:4]) * segments >> 32
