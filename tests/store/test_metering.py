"""The meter itself: sizes and units by AWS's rules, what it counts and what it refuses to."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.eventsourcing.dynamodb_items import completion_values, receipt_to_item, row_to_item
from lambdas.eventsourcing.limits import _completion_bytes, _receipt_bytes, row_bytes
from lambdas.eventsourcing.rows import Completion, EventRow, Receipt
from tests.support.metering import MeteredClient, Request, item_bytes, read_units, write_units

NUMBERS_AT_THEIR_LARGEST = 3 * 20
"""How far `row_bytes` may be above the size: it takes 21 bytes for each number, of which 1 is always needed."""


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "é€🌍"}, 2 + 3 + 4),
        ({"B": b"\x00\xff\x80"}, 3),
        ({"B": b""}, 0),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "42"}, 2),
        ({"N": "123"}, 3),
        ({"N": "1000000"}, 2),
        ({"N": "1000001"}, 5),
        ({"N": "999999999999999"}, 9),
        ({"N": "0.0012"}, 2),
        ({"N": "1" * 38}, 20),
    ],
)
def test_size_of_an_attribute(value: dict[str, Any], size: int) -> None:
    assert item_bytes({"namé": value}) == len("namé".encode()) + size


def test_size_of_an_item_is_that_of_its_attributes() -> None:
    assert item_bytes({"a": {"S": "bc"}, "de": {"N": "10"}}) == 3 + 4


def test_unknown_types_are_refused() -> None:
    with pytest.raises(ValueError, match="BOOL"):
        item_bytes({"a": {"BOOL": True}})


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3)])
def test_write_units(size: int, units: int) -> None:
    assert write_units(size) == units


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (8192, 2), (8193, 3)])
def test_read_units(size: int, units: int) -> None:
    assert read_units(size) == units


class Scripted:
    """A client that gives or raises what it was told to."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self._answer = answer

    def __getattr__(self, operation: str) -> Any:
        def call(**kwargs: Any) -> dict[str, Any]:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

        return call


def _item(size: int) -> dict[str, dict[str, Any]]:
    return {"a": {"S": "x" * (size - 1)}}


def _error(code: str, **response: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **response}, "operation")


def _puts(*sizes: int) -> dict[str, Any]:
    return {"TransactItems": [{"Put": {"Item": _item(size)}} for size in sizes]}


def _update(**extra: Any) -> dict[str, Any]:
    return {"TableName": "t", "Key": _item(1), **extra}


class Shown:
    """A client with one item, which an update replaces by another."""

    def __init__(self, before: int, after: int, answer: dict[str, Any] | Exception) -> None:
        self._sizes, self._answer = [before, after], answer

    def get_item(self, **kwargs: Any) -> dict[str, Any]:
        assert kwargs == {"TableName": "t", "Key": _item(1), "ConsistentRead": True}
        return {"Item": _item(self._sizes[0])} if self._sizes[0] else {}

    def __getattr__(self, operation: str) -> Any:
        def call(**kwargs: Any) -> dict[str, Any]:
            if isinstance(self._answer, Exception):
                raise self._answer
            self._sizes.pop(0)
            return self._answer

        return call


CONDITION = "ConditionalCheckFailedException"
CANCELLED = "TransactionCanceledException"


@pytest.mark.parametrize(
    ("operation", "kwargs", "answer", "expected"),
    [
        ("put_item", {"Item": _item(1024)}, {}, Request("PutItem", write_units=1)),
        ("put_item", {"Item": _item(1025)}, {}, Request("PutItem", write_units=2)),
        ("put_item", {"Item": _item(9)}, _error(CONDITION), Request("PutItem", write_units=1, failed=True)),
        (
            "put_item",
            {"Item": _item(9)},
            _error(CONDITION, Item=_item(2049)),
            Request("PutItem", write_units=3, failed=True),
        ),
        (
            "put_item",
            {"Item": _item(9)},
            ReadTimeoutError(endpoint_url=""),
            Request("PutItem", write_units=1, failed=True),
        ),
        ("transact_write_items", _puts(9, 1025), {}, Request("TransactWriteItems", write_units=6)),
        (
            "transact_write_items",
            _puts(9, 9),
            _error(CANCELLED, CancellationReasons=[{"Item": _item(1025)}, {}]),
            Request("TransactWriteItems", write_units=6, failed=True),
        ),
        (
            "transact_write_items",
            _puts(9, 9),
            _error("InternalServerError"),
            Request("TransactWriteItems", write_units=4, failed=True),
        ),
        ("query", {"ConsistentRead": True}, {"Items": []}, Request("Query", read_units=1)),
        (
            "query",
            {"ConsistentRead": True},
            {"Items": [_item(2049), _item(2048)]},
            Request("Query", read_units=2, items=2),
        ),
        ("query", {}, {"Items": [_item(4097)]}, Request("Query", read_units=1, items=1)),
        ("query", {}, {"Items": [_item(1)]}, Request("Query", read_units=0.5, items=1)),
        ("query", {"ConsistentRead": True}, _error("InternalServerError"), Request("Query", 1, failed=True)),
    ],
)
def test_requests(
    operation: str, kwargs: dict[str, Any], answer: dict[str, Any] | Exception, expected: Request
) -> None:
    client = MeteredClient(Scripted(answer))

    with client.measure() as usage:
        if isinstance(answer, Exception):
            with pytest.raises(type(answer)):
                getattr(client, operation)(**kwargs)
        else:
            assert getattr(client, operation)(**kwargs) is answer

    assert usage.requests == [expected]


@pytest.mark.parametrize(
    ("before", "after", "answer", "units"),
    [
        (9, 1025, {}, 2),
        (2049, 9, {}, 3),
        (0, 9, {}, 1),
        (2049, 0, _error(CONDITION), 3),
        (0, 0, _error(CONDITION), 1),
        (1025, 0, ReadTimeoutError(endpoint_url=""), 2),
    ],
)
def test_an_update_counts_the_larger_of_the_item_before_and_after(
    before: int, after: int, answer: dict[str, Any] | Exception, units: int
) -> None:
    failed = isinstance(answer, Exception)
    alone, in_transaction = (MeteredClient(Shown(before, after, answer)) for _ in range(2))

    with alone.measure() as usage, suppress(ClientError, ReadTimeoutError):
        alone.update_item(**_update())
    assert usage.requests == [Request("UpdateItem", write_units=units, failed=failed)]

    with in_transaction.measure() as usage, suppress(ClientError, ReadTimeoutError):
        in_transaction.transact_write_items(TransactItems=[*_puts(9)["TransactItems"], {"Update": _update()}])
    assert usage.requests == [Request("TransactWriteItems", write_units=2 + 2 * units, failed=failed)]


@pytest.mark.parametrize("parameter", ["FilterExpression", "ProjectionExpression", "IndexName", "Select"])
def test_queries_that_read_more_than_they_return_are_refused(parameter: str) -> None:
    with pytest.raises(ValueError, match=parameter):
        MeteredClient(Scripted({"Items": []})).query(**{parameter: "x"})


def test_usage_adds_up() -> None:
    client = MeteredClient(Scripted({"Items": [_item(5000)]}))
    client.put_item(Item=_item(9))

    with client.measure() as all_of_it:
        client.query(ConsistentRead=True)
        with client.measure() as part:
            client.put_item(Item=_item(9))
    client.put_item(Item=_item(9))

    assert (part.operations, part.round_trips) == (["PutItem"], 1)
    assert all_of_it.operations == ["Query", "PutItem"]
    assert (all_of_it.round_trips, all_of_it.read_units, all_of_it.write_units) == (2, 2, 1)
    assert all_of_it.items_read == 1


LONG = "x" * 100
"""More than the room left for numbers: not to count one such text is seen."""

texts = st.text(max_size=50)
numbers = st.integers(1, 10**16)


@given(
    st.builds(
        EventRow,
        *[texts, numbers, texts, texts, st.integers(1, 99), texts, texts],
        occurred_at=st.just("2026-03-01T12:00:00.000Z"),
        recorded_at=st.just("2026-03-01T12:00:00.000Z"),
        hash=st.just(bytes(32)),
        state=texts,
        state_schema=st.integers(1, 99),
    ),
    st.booleans(),
)
@example(EventRow(LONG, 1, LONG, LONG, 1, LONG, LONG, LONG, LONG, bytes(100), LONG, 1), True)
def test_row_bytes_is_never_below_the_size(row: EventRow, snapshot: bool) -> None:
    """The limits of the store rest on it; the meter knows nothing of how it counts."""
    stored = row if snapshot else EventRow(*[getattr(row, name) for name in row.__struct_fields__[:10]])

    assert 0 <= row_bytes(stored) - item_bytes(row_to_item(stored)) <= NUMBERS_AT_THEIR_LARGEST


@given(st.builds(Receipt, texts, texts, st.just(bytes(32)), texts, numbers, texts, numbers))
def test_size_of_a_receipt_is_never_taken_too_low(receipt: Receipt) -> None:
    assert 0 <= _receipt_bytes(receipt) - item_bytes(receipt_to_item(receipt)) <= 128


@given(st.builds(Completion, texts, texts, texts, texts, st.dictionaries(texts, texts | numbers, max_size=5)))
def test_size_of_a_completion_is_never_taken_too_low(completion: Completion) -> None:
    added = {
        "": {"S": completion.scope + completion.key},
        "status": {"S": completion.status},
        "commit_id": {"S": completion.commit_id},
        **{f" {name}": value for name, value in completion_values(completion).items()},
    }
    spaces = len(completion.attributes)

    assert 0 <= _completion_bytes(completion) - (item_bytes(added) - spaces) <= 64 + 20 * spaces
