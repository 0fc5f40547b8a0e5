"""Requests to a table of DynamoDB: sent again while that may help.

As for the event store, the client never retries by itself, and an answer counts only if it says its capacity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify, failed_items
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.transport import acknowledged

MAX_ATTEMPTS: Final = 8
PARALLEL: Final = 8
"""Requests under way at once, of one call: fewer than a client keeps connections (10)."""
MOST_READ: Final = 100
"""Keys of one request. Source: DynamoDB API Reference, BatchGetItem."""
MOST_WRITTEN: Final = 25
"""Items of one request. Source: DynamoDB API Reference, BatchWriteItem."""

Item: TypeAlias = Mapping[str, Mapping[str, Any]]
Key: TypeAlias = Mapping[str, Mapping[str, Any]]
Request: TypeAlias = Mapping[str, Any]
A = TypeVar("A")
B = TypeVar("B")


class TableClient(Protocol):
    """The methods of boto3's low-level client that are used here; it is one as `dynamodb_client()` makes it."""

    def get_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def query(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def scan(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def batch_get_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def put_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def delete_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def batch_write_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def transact_write_items(self, **kwargs: Any) -> Mapping[str, Any]: ...


class ConditionFailedError(Exception):
    """A condition does not hold. `items`: of each action whose condition failed, what stands there, if that is told.

    With `in_doubt` an earlier attempt of the same request may have taken effect.
    """

    def __init__(self, error: ClientError, *, in_doubt: bool) -> None:
        super().__init__(str(error))
        self.items = dict(failed_items(error))
        self.in_doubt = in_doubt


class TableRequests:
    """Sends requests to one table. Safe to use from several threads.

    Every method raises `unavailable` with a sentence about `what`, and what botocore raises if the request itself is
    wrong. Without a deadline each request has one of its own. `attempts` is how often it is sent at most.
    """

    def __init__(
        self,
        client: TableClient,
        table_name: str,
        *,
        unavailable: Callable[[str], Exception],
        what: str,
        backoff: Backoff | None = None,
        new_deadline: Callable[[], Deadline] = Deadline,
        attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self.table_name = table_name
        self._client = client
        self._unavailable = unavailable
        self._what = what
        self._backoff = backoff or Backoff()
        self._new_deadline = new_deadline
        self._attempts = attempts

    def get(self, key: Key, deadline: Deadline | None = None) -> Item | None:
        """The item, strongly consistent."""
        answer = self._send(self._client.get_item, self._on_table(Key=key, ConsistentRead=True), deadline)
        item: Item | None = answer.get("Item")
        return item

    def query(self, request: Request, deadline: Deadline | None = None) -> Iterator[list[Item]]:
        """The pages of a Query, to its end or its `Limit`: DynamoDB may end a page at any place."""
        return self._pages(self._client.query, request, deadline)

    def scan(self, request: Request) -> Iterator[list[Item]]:
        """The pages of a Scan, each with a deadline of its own."""
        return self._pages(self._client.scan, request, None)

    def batch_get(self, keys: Iterable[Key], deadline: Deadline | None = None) -> Iterator[list[Item]]:
        """The items that exist, strongly consistent, in no order. No key may stand among them twice."""
        for some in _chunks(list(keys), MOST_READ):
            pending: Request = {self.table_name: {"Keys": some, "ConsistentRead": True}}
            yield from self._until_processed(self._read_batch, pending, deadline)

    def put(self, item: Item, condition: Request | None = None, deadline: Deadline | None = None) -> None:
        """PutItem. Raises ConditionFailedError."""
        request = self._on_table(Item=item, **(condition or {}))
        self._send(self._client.put_item, request, deadline, writes=True)

    def delete(self, key: Key) -> None:
        """DeleteItem, without a condition."""
        self._send(self._client.delete_item, self._on_table(Key=key), None, writes=True)

    def delete_all(self, keys: Iterable[Key]) -> None:
        """BatchWriteItem, as often as it takes."""
        for some in _chunks(list(keys), MOST_WRITTEN):
            pending: Request = {self.table_name: [{"DeleteRequest": {"Key": key}} for key in some]}
            for _ in self._until_processed(self._write_batch, pending, None):
                pass

    def transact(self, actions: Sequence[Request], deadline: Deadline | None = None) -> None:
        """TransactWriteItems, of actions on this table, each with its operation. Raises ConditionFailedError."""
        named = [{name: {"TableName": self.table_name, **each} for name, each in action.items()} for action in actions]
        request = {"TransactItems": named, "ReturnConsumedCapacity": "TOTAL"}
        self._send(self._client.transact_write_items, request, deadline, writes=True)

    def _pages(
        self, call: Callable[..., Mapping[str, Any]], request: Request, deadline: Deadline | None
    ) -> Iterator[list[Item]]:
        left = request.get("Limit")
        start: Request = {}
        while left is None or left > 0:
            limit = {} if left is None else {"Limit": left}
            answer = self._send(call, self._on_table(**{**request, **start, **limit}), deadline)
            items: list[Item] = answer["Items"]
            yield items
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            left = None if left is None else left - len(items)

    def _read_batch(self, pending: Request, deadline: Deadline) -> tuple[list[Item], Request]:
        request = {"RequestItems": pending, "ReturnConsumedCapacity": "TOTAL"}
        answer = self._send(self._client.batch_get_item, request, deadline)
        return answer["Responses"].get(self.table_name, []), answer.get("UnprocessedKeys") or {}

    def _write_batch(self, pending: Request, deadline: Deadline) -> tuple[None, Request]:
        request = {"RequestItems": pending, "ReturnConsumedCapacity": "TOTAL"}
        answer = self._send(self._client.batch_write_item, request, deadline, writes=True)
        return None, answer.get("UnprocessedItems") or {}

    def _until_processed(
        self, send: Callable[[Request, Deadline], tuple[A, Request]], pending: Request, deadline: Deadline | None
    ) -> Iterator[A]:
        """What a throttled table or a full answer leaves is asked for again, after a pause (API Reference,
        BatchGetItem: "we strongly recommend that you use an exponential backoff algorithm")."""
        deadline = deadline or self._new_deadline()
        attempt = 0
        while pending:
            if attempt:
                self._backoff.pause(min(attempt, self._attempts))
            attempt += 1
            done, pending = send(pending, deadline)
            yield done

    def _on_table(self, **request: Any) -> dict[str, Any]:
        return {"TableName": self.table_name, "ReturnConsumedCapacity": "TOTAL", **request}

    def _send(
        self,
        call: Callable[..., Mapping[str, Any]],
        request: Request,
        deadline: Deadline | None,
        *,
        writes: bool = False,
    ) -> Mapping[str, Any]:
        deadline = deadline or self._new_deadline()
        if not deadline.allows_attempt():
            raise self._unavailable(f"No time is left to ask {self._what}.")
        in_doubt = False
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = acknowledged(call(**request))
            except FAILURES as error:
                fault = classify(error)
                if fault is Fault.CONDITION and isinstance(error, ClientError):
                    raise ConditionFailedError(error, in_doubt=in_doubt) from error
                if fault is Fault.FATAL:
                    raise
                in_doubt = in_doubt or fault is Fault.UNKNOWN
                if attempt >= self._attempts or not deadline.allows_attempt():
                    what = f"{self._what[0].upper()}{self._what[1:]}"
                    raise self._unavailable(f"{what} gave no answer in {attempt} attempts: {error}.") from error
                self._backoff.pause(attempt)
            else:
                self.consumed(answer["ConsumedCapacity"], writes=writes)
                return answer

    def consumed(self, capacity: Any, *, writes: bool) -> None:
        """Called for each answer with the capacity it says: that of a table, or a list of them (batch, transaction)."""


def in_parallel(work: Callable[[A], B], inputs: Sequence[A]) -> list[B]:
    """The results in the order of the inputs, of at most PARALLEL at once. Raises what the first of them raises."""
    if len(inputs) <= 1:
        return [work(each) for each in inputs]
    with ThreadPoolExecutor(min(len(inputs), PARALLEL)) as threads:
        return list(threads.map(work, inputs))


def _chunks(keys: Sequence[Key], most: int) -> Iterator[Sequence[Key]]:
    return (keys[start : start + most] for start in range(0, len(keys), most))
