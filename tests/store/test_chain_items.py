"""Items tampered with in DynamoDB itself: changed, retyped, removed, inserted, moved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from lambdas.eventsourcing.dynamodb_items import Item, item_to_row, row_to_item
from tests.support.dynamodb_tables import KEYS, LockedClient, Tables, create_tables, moto_client, store_on
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.genuine_history import NEWEST, ROWS, A, first_bad, flips
from tests.support.stores import HalfVisibleStore

FOREIGN_VALUES: dict[str, Any] = {
    "S": {"S": "x"},
    "N": {"N": "7"},
    "B": {"B": b"x"},
    "BOOL": {"BOOL": True},
    "NULL": {"NULL": True},
    "L": {"L": []},
    "M": {"M": {}},
    "SS": {"SS": ["x"]},
}
OTHER_NUMBERS = ("0", "9E+125", "2", "-1", "1.5", "1E+20", "99999999999999999999999999999999999999", "1E-130")


class Table:
    """The rows of A as items that a test may change; and the store that reads them."""

    def __init__(self, client: Any, tables: Tables) -> None:
        self._client, self._events = client, tables.events
        self.store = store_on(client, tables)
        self.slow = not isinstance(client, FakeDynamoDB)
        for row in ROWS:
            self.put(row_to_item(row))

    def put(self, item: Item) -> None:
        """Put an item without a condition."""
        self._client.put_item(TableName=self._events, Item=item)

    def remove(self, version: int) -> None:
        """Remove a row."""
        if isinstance(self._client, FakeDynamoDB):
            self._client.tables[self._events].delete(A, Decimal(version))
        else:
            self._client.delete_item(TableName=self._events, Key=_key(version))


def _key(version: int | str) -> Item:
    return {"stream_id": {"S": A}, "version": {"N": str(version)}}


@pytest.fixture(scope="module")
def moto() -> Iterator[LockedClient]:
    with moto_client() as client:
        yield client


@pytest.fixture(params=["fake", "moto"])
def table(request: pytest.FixtureRequest, moto: LockedClient) -> Table:
    if request.param == "moto":
        return Table(moto, create_tables(moto))
    return Table(FakeDynamoDB(dict(zip(Tables._fields, KEYS.values(), strict=True))), Tables(*Tables._fields))


def test_untouched_items_verify(table: Table) -> None:
    assert first_bad(table.store) is None


@pytest.mark.parametrize("table", ["fake"], indirect=True)
def test_a_hole_before_a_row_that_does_not_decode(table: Table) -> None:
    """Read again, too: only a row that stays missing is named before it."""
    table.put(row_to_item(ROWS[NEWEST - 2]) | {"data": {"N": "1"}})
    assert first_bad(HalfVisibleStore(table.store, {2}, times=1)) == NEWEST - 1
    assert first_bad(HalfVisibleStore(table.store, {2}, times=1_000)) == 2


@pytest.mark.parametrize(
    ("table", "version"), [*(("fake", version) for version in (1, 2, 4, NEWEST)), ("moto", 4)], indirect=["table"]
)
def test_any_attribute_of_an_item(table: Table, version: int) -> None:
    """Changed, of another type, missing, or unknown."""
    item = row_to_item(ROWS[version - 1])
    for changed in _tampered(item, bits=2 if table.slow else 40):
        table.put(changed)
        assert first_bad(table.store) == version, changed
    table.put(item)
    assert first_bad(table.store) is None


def _tampered(item: Item, *, bits: int) -> Iterator[Item]:
    """`bits`: so many bits of an attribute; rows in memory go through all of them."""
    yield item | {"note": {"S": "unknown"}}
    yield item | {"Hash": item["hash"]}
    for name in item.keys() - {"stream_id", "version"}:
        kind, value = next(iter(item[name].items()))
        yield {other: item[other] for other in item if other != name}
        yield from (item | {name: foreign} for other, foreign in FOREIGN_VALUES.items() if other != kind)
        if kind == "N":
            yield from (item | {name: {"N": number}} for number in OTHER_NUMBERS)
        else:
            changes = list(flips(value))
            yield from (item | {name: {kind: changed}} for changed in changes[:: max(1, len(changes) // bits)])
            yield item | {name: {kind: value + value}}
    if "state" in item:
        yield {name: value for name, value in item.items() if not name.startswith("state")}
    else:
        yield item | {"state": {"S": "{}"}, "state_schema": {"N": "1"}}


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_an_item_removed(table: Table, version: int) -> None:
    table.remove(version)

    assert first_bad(table.store) == version


def test_two_items_swapped(table: Table) -> None:
    table.put(row_to_item(ROWS[2]) | _key(5))
    table.put(row_to_item(ROWS[4]) | _key(3))

    assert first_bad(table.store) == 3


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ("-3", -3), ("-0.5", 0), ("0", 0), ("0.5", 1), ("1.5", 2), ("6.999", 7), ("7.5", 8), ("8", 8), ("9", 8),
        ("1E+30", 8), ("9E+125", 8),
    ],
)  # fmt: skip
@pytest.mark.parametrize("broken", [False, True], ids=["copied", "not a row"])
def test_an_item_inserted(table: Table, version: str, named: int, broken: bool) -> None:
    item = row_to_item(ROWS[1]) | _key(version)
    table.put(item | ({"note": {"S": "x"}} if broken else {}))

    assert first_bad(table.store) == named


def test_versions_shifted(table: Table) -> None:
    for row in reversed(ROWS[3:]):
        table.put(row_to_item(row) | _key(row.version + 1))
        table.remove(row.version)

    assert first_bad(table.store) == 4


@pytest.mark.parametrize("page_bytes", [1, 900, 2000])
@pytest.mark.parametrize("version", range(1, NEWEST + 1))
def test_a_bad_item_on_any_page(page_bytes: int, version: int) -> None:
    client = FakeDynamoDB(dict(zip(Tables._fields, KEYS.values(), strict=True)), page_bytes=page_bytes)
    table = Table(client, Tables(*Tables._fields))
    item = row_to_item(ROWS[version - 1])
    assert first_bad(table.store) is None

    for changed in (item | {"note": {"S": "x"}}, item | {"type": {"S": "Other"}}):
        table.put(changed)
        assert first_bad(table.store) == version
    if version > 1:
        table.remove(version - 1)
        assert first_bad(table.store) == version - 1, "the first of two"


def test_an_item_comes_back_as_its_row() -> None:
    assert [item_to_row(row_to_item(row)) for row in ROWS] == ROWS
