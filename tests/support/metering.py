"""A DynamoDB client that counts round trips and the capacity units that AWS would bill.

Sources, all in the Amazon DynamoDB Developer Guide: "DynamoDB item sizes and formats"; "DynamoDB read and write
operations" (a read unit per 4 KB, of a Query's items together; a write unit per 1 KB of the larger of the old and the
new item, whether the condition holds or not, for an update the whole item and not the attributes that change);
"DynamoDB Transactions" (two underlying writes of every item).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb import DynamoDBClient

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
TRANSACTION_FACTOR = 2


class MeterableClient(DynamoDBClient, Protocol):
    """A client that also shows items: what an update takes depends on what is there."""

    def get_item(self, **kwargs: Any) -> Mapping[str, Any]: ...


_UNMETERED = frozenset({"FilterExpression", "IndexName", "ProjectionExpression", "QueryFilter", "Select"})


@dataclass(frozen=True)
class Request:
    """One round trip, the capacity units it took, and the number of items a query returned."""

    operation: str
    read_units: float = 0.0
    write_units: int = 0
    items: int = 0
    failed: bool = False


@dataclass
class Usage:
    """What was asked for, in the order in which the answers came."""

    requests: list[Request] = field(default_factory=list)

    @property
    def operations(self) -> list[str]:
        """The names of the operations: PutItem, Query, TransactWriteItems, UpdateItem."""
        return [request.operation for request in self.requests]

    @property
    def round_trips(self) -> int:
        """Requests, failed ones too."""
        return len(self.requests)

    @property
    def read_units(self) -> float:
        """Read capacity units (RCU)."""
        return sum(request.read_units for request in self.requests)

    @property
    def write_units(self) -> int:
        """Write capacity units (WCU)."""
        return sum(request.write_units for request in self.requests)

    @property
    def items_read(self) -> int:
        """Items that queries returned."""
        return sum(request.items for request in self.requests)


class MeteredClient:
    """Passes calls on to a low-level client and meters them; whatever is raised is metered and raised again.

    Every write is counted as if it had been carried out, which is what AWS bills for a failed condition, and an upper
    bound for other failures. A replaced item counts when the answer shows it, so a put that silently replaces a larger
    item is counted too low. An updated item is looked at before and after, unmetered.
    """

    def __init__(self, client: MeterableClient) -> None:
        self._client = client
        self._open: list[Usage] = []

    @contextmanager
    def measure(self) -> Iterator[Usage]:
        """Count what happens meanwhile, in any thread."""
        usage = Usage()
        self._open.append(usage)
        try:
            yield usage
        finally:
            self._open = [other for other in self._open if other is not usage]

    def query(self, **kwargs: Any) -> Mapping[str, Any]:
        """Raises ValueError for a query that reads other items than it returns."""
        if not _UNMETERED.isdisjoint(kwargs):
            raise ValueError(f"cannot meter a query with {', '.join(sorted(_UNMETERED & kwargs.keys()))}")
        factor = 1.0 if kwargs.get("ConsistentRead") else 0.5
        try:
            answer = self._client.query(**kwargs)
        except Exception:
            self._record(Request("Query", read_units=factor, failed=True))
            raise
        items = answer["Items"]
        units = read_units(sum(item_bytes(item) for item in items))
        self._record(Request("Query", read_units=factor * units, items=len(items)))
        return answer

    def get_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """Not metered: the store never asks for an item, only a test does."""
        return self._client.get_item(**kwargs)

    def put_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """One write unit for each 1 KB."""
        size = item_bytes(kwargs["Item"])
        try:
            answer = self._client.put_item(**kwargs)
        except Exception as error:
            existing = _item_bytes_or_zero(_response(error).get("Item"))
            self._record(Request("PutItem", write_units=write_units(max(size, existing)), failed=True))
            raise
        self._record(Request("PutItem", write_units=write_units(size)))
        return answer

    def update_item(self, **kwargs: Any) -> Mapping[str, Any]:
        """One write unit for each 1 KB."""
        before = self._updated_bytes(kwargs)
        try:
            answer = self._client.update_item(**kwargs)
        except Exception:
            self._record(Request("UpdateItem", write_units=write_units(before), failed=True))
            raise
        self._record(Request("UpdateItem", write_units=write_units(max(before, self._updated_bytes(kwargs)))))
        return answer

    def transact_write_items(self, **kwargs: Any) -> Mapping[str, Any]:
        """Two write units for each 1 KB of each item. Raises KeyError for an action that is no Put and no Update."""
        actions: Sequence[Mapping[str, Any]] = kwargs["TransactItems"]
        sizes = [self._action_bytes(action) for action in actions]
        try:
            answer = self._client.transact_write_items(**kwargs)
        except Exception as error:
            reasons: Sequence[Mapping[str, Any]] = _response(error).get("CancellationReasons") or [{}] * len(sizes)
            existing = [_item_bytes_or_zero(reason.get("Item")) for reason in reasons]
            self._record_transaction(list(map(max, sizes, existing)), failed=True)
            raise
        self._record_transaction(list(map(max, sizes, map(self._action_bytes, actions))), failed=False)
        return answer

    def _action_bytes(self, action: Mapping[str, Any]) -> int:
        """The size that an item is given, or has now if it is updated."""
        return item_bytes(action["Put"]["Item"]) if "Put" in action else self._updated_bytes(action["Update"])

    def _updated_bytes(self, update: Mapping[str, Any]) -> int:
        answer = self._client.get_item(TableName=update["TableName"], Key=update["Key"], ConsistentRead=True)
        return _item_bytes_or_zero(answer.get("Item"))

    def _record_transaction(self, sizes: Sequence[int], *, failed: bool) -> None:
        units = TRANSACTION_FACTOR * sum(write_units(size) for size in sizes)
        self._record(Request("TransactWriteItems", write_units=units, failed=failed))

    def _record(self, request: Request) -> None:
        for usage in self._open:
            usage.requests.append(request)


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item as the low-level client writes it. Raises ValueError for a type the store does not use."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(size: int) -> int:
    """Units of one write of an item of so many bytes."""
    return max(1, -(-size // WRITE_UNIT_BYTES))


def read_units(size: int) -> int:
    """Units of one strongly consistent read of so many bytes; one that finds nothing costs one, too."""
    return max(1, -(-size // READ_UNIT_BYTES))


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return len(bytes(content))
    raise ValueError(f"the size of type {kind} is not known here")


def _number_bytes(text: str) -> int:
    """One byte for two significant digits, leading and trailing zeros not counted, and one more."""
    digits = "".join(str(digit) for digit in Decimal(text).as_tuple().digits).strip("0")
    return -(-len(digits) // 2) + 1


def _item_bytes_or_zero(item: Mapping[str, Mapping[str, Any]] | None) -> int:
    return 0 if item is None else item_bytes(item)


def _response(error: Exception) -> Mapping[str, Any]:
    return error.response if isinstance(error, ClientError) else {}
