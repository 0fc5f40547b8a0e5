"""Whatever is done to stored rows behind the service's back, the verifier names the first version that is bad."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.dynamodb_items import Item, item_to_row, row_to_item
from lambdas.eventsourcing.errors import ChainBrokenError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.bank import Order, Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.dynamodb_tables import KEYS, LockedClient, Tables, create_tables, moto_client, store_on
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.messagepack import Element, encode
from tests.support.recording import whole_history
from tests.support.workloads import accounts, credit, opening, transfer, withdrawal

A, B = accounts(2)
INTERVAL = 3
ORDERS = [
    opening(A),
    opening(B),
    credit("o1", A, 100),
    transfer("o2", A, B, 30),
    withdrawal("o3", A, 5),
    credit("o4", A, 1),
    Order("o5", credit("o5", A, 7).command, (A,)),
    withdrawal("o6", A, 2),
]
NEWEST = 7
"""The newest version of A. Snapshots ride on versions 1, 4 and 7."""


def _history() -> list[EventRow]:
    """The rows of A."""
    store = InMemoryEventStore()
    bank, recorder = new_bank(store, TickingClock(), snapshot_interval=INTERVAL), Recorder(Ticks())
    for order in ORDERS:
        recorder.send(bank, order)
    return whole_history(store, A)


ROWS = _history()
"""Genuine rows; index 0 is version 1."""


def test_the_history_is_what_the_tests_below_take_it_for() -> None:
    assert [row.version for row in ROWS if row.state is not None] == [1, 4, 7]
    assert len(ROWS) == NEWEST


# --- a third party's check


def _third_party_hash(previous: bytes, row: EventRow) -> bytes:
    """From the documentation alone: SHA-256 over a MessagePack array of twelve elements."""
    elements: list[Element] = [
        previous,
        row.stream_id,
        row.version,
        row.commit_id,
        row.type,
        row.schema,
        row.data,
        row.metadata,
        row.occurred_at,
        row.recorded_at,
        row.state,
        row.state_schema,
    ]
    return hashlib.sha256(encode(elements)).digest()


def test_a_third_party_can_check_the_chain() -> None:
    previous = bytes(32)
    for row in ROWS:
        assert row.hash == _third_party_hash(previous, row)
        previous = row.hash


texts = st.text(st.characters(codec="utf-8"), max_size=400)
numbers = st.integers(-(2**63), 2**63 - 1)


long_texts = st.integers(65_000, 66_000).map("x".__mul__)
any_row = st.builds(
    EventRow,
    stream_id=texts,
    version=numbers,
    commit_id=texts,
    type=texts,
    schema=numbers,
    data=texts | long_texts,
    metadata=texts,
    occurred_at=texts,
    recorded_at=texts,
    hash=st.just(b""),
    state=st.none() | texts | long_texts,
    state_schema=st.none() | numbers,
)


@given(row=any_row, previous=st.binary(min_size=32, max_size=32))
@settings(max_examples=200)
def test_the_documented_format_holds_for_any_row(row: EventRow, previous: bytes) -> None:
    assert row_hash(previous, row) == _third_party_hash(previous, row)


# --- rows in memory


def _in_memory(rows: Sequence[EventRow]) -> EventStore:
    store = InMemoryEventStore()
    store._streams[A] = list(rows)
    return store


def _first_bad(store: EventStore) -> int | None:
    """The version the verifier names, None when all is well."""
    try:
        ChainVerifier(store, ACCOUNT_DECIDER).verify(A)
    except ChainBrokenError as error:
        return error.version
    return None


def _rehash(rows: Sequence[EventRow], start: int) -> list[EventRow]:
    """The rows with all hashes from version `start` on made anew, as somebody who knows the format could."""
    result = list(rows[: start - 1])
    for row in rows[start - 1 :]:
        previous = result[-1].hash if result else GENESIS
        result.append(replace(row, hash=row_hash(previous, row)))
    return result


def _with(row: EventRow, rows: Sequence[EventRow] = ROWS) -> list[EventRow]:
    """The history with one row replaced."""
    return [row if each.version == row.version else each for each in rows]


def test_untouched_rows_verify() -> None:
    verified = ChainVerifier(_in_memory(ROWS), ACCOUNT_DECIDER).verify(A)

    assert (verified.version, verified.hash, verified.snapshots) == (NEWEST, ROWS[-1].hash, 3)


def test_a_stream_that_does_not_exist_verifies_as_empty() -> None:
    assert ChainVerifier(_in_memory([]), ACCOUNT_DECIDER).verify(B).version == 0


def _flips(value: str | bytes) -> Iterator[str | bytes]:
    """The value with one bit of one byte changed, for every bit and byte; texts stay UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    for place in range(len(raw)):
        for bit in range(8):
            flipped = raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]
            if isinstance(value, bytes):
                yield flipped
            elif bit < 7:  # the highest bit of an ASCII byte makes a text that is not UTF-8
                yield flipped.decode()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"version {row.version}")
def test_any_bit_of_any_text_or_hash(row: EventRow) -> None:
    for name, value in asdict(row).items():
        if isinstance(value, str | bytes):
            for changed in _flips(value):
                assert _first_bad(_in_memory(_with(replace(row, **{name: changed})))) == row.version, (name, changed)


@given(
    row=st.sampled_from(ROWS),
    name=st.sampled_from([*EventRow.__struct_fields__[2:]]),
    text=texts,
    number=st.integers(-(2**63), 2**63 - 1),
    raw=st.binary(max_size=40),
)
def test_any_other_value(row: EventRow, name: str, text: str, number: int, raw: bytes) -> None:
    value: Any = {"schema": number, "state_schema": number, "hash": raw}.get(name, text)
    if value != getattr(row, name):
        assert _first_bad(_in_memory(_with(replace(row, **{name: value})))) == row.version


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_a_row_removed(version: int) -> None:
    assert _first_bad(_in_memory([row for row in ROWS if row.version != version])) == version


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_a_row_removed_and_the_gap_closed(version: int) -> None:
    rest = [row for row in ROWS if row.version != version]
    shifted = [replace(row, version=place) for place, row in enumerate(rest, 1)]

    assert _first_bad(_in_memory(shifted)) == version


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in range(1, NEWEST) for b in range(a + 1, NEWEST + 1)])
def test_two_rows_swapped(first: int, second: int) -> None:
    rows = list(ROWS)
    rows[first - 1] = replace(ROWS[second - 1], version=first)
    rows[second - 1] = replace(ROWS[first - 1], version=second)

    assert _first_bad(_in_memory(rows)) == first


@pytest.mark.parametrize("version", range(1, NEWEST + 2))
@pytest.mark.parametrize("copied", [1, 3, NEWEST])
def test_a_row_inserted(version: int, copied: int) -> None:
    """A forged one, hash and all, takes a version; the rows that stood there move up."""
    before = list(ROWS[: version - 1])
    recorded_at = before[-1].recorded_at if before else ROWS[0].recorded_at
    forged = replace(ROWS[copied - 1], version=version, recorded_at=recorded_at, state=None, state_schema=None)
    forged = _rehash([*before, forged], version)[-1]
    moved = [replace(row, version=row.version + 1) for row in ROWS[version - 1 :]]

    first_bad = _first_bad(_in_memory([*before, forged, *moved]))

    # Its own hash is right; the next row, if there is one, does not follow from it.
    assert first_bad == (version + 1 if version <= NEWEST else None)


def test_a_snapshot_changed() -> None:
    row = ROWS[3]
    richer = replace(row, state=(row.state or "").replace("65", "95"))
    assert richer != row

    assert _first_bad(_in_memory(_with(richer))) == 4
    assert _first_bad(_in_memory(_with(_rehash(_with(richer), 4)[3]))) == 4, "even with its hash made anew"
    assert _first_bad(_in_memory(_rehash(_with(richer), 4))) == 4, "even with all hashes made anew"


def test_an_event_changed_and_its_own_hash_made_anew() -> None:
    """The next row holds the old hash."""
    row = replace(ROWS[1], data=ROWS[1].data.replace("100", "900"))
    row = replace(row, hash=row_hash(ROWS[0].hash, row))

    assert _first_bad(_in_memory(_with(row))) == 3


def test_an_event_changed_and_all_hashes_made_anew() -> None:
    """The next snapshot holds the old balance."""
    row = replace(ROWS[1], data=ROWS[1].data.replace("100", "900"))

    assert _first_bad(_in_memory(_rehash(_with(row), 2))) == 4


def test_time_running_backwards() -> None:
    early = replace(ROWS[2], recorded_at=ROWS[0].recorded_at)

    assert _first_bad(_in_memory(_rehash(_with(early), 3))) == 3


def test_the_row_of_another_stream() -> None:
    assert _first_bad(_in_memory(_with(replace(ROWS[2], stream_id=B)))) == 3


# --- items in DynamoDB

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
    assert _first_bad(table.store) is None


@pytest.mark.parametrize(
    ("table", "version"), [*(("fake", version) for version in (1, 2, 4, NEWEST)), ("moto", 4)], indirect=["table"]
)
def test_any_attribute_of_an_item(table: Table, version: int) -> None:
    """Changed, of another type, missing, or unknown."""
    item = row_to_item(ROWS[version - 1])
    for changed in _tampered(item, flips=2 if table.slow else 40):
        table.put(changed)
        assert _first_bad(table.store) == version, changed
    table.put(item)
    assert _first_bad(table.store) is None


def _tampered(item: Item, *, flips: int) -> Iterator[Item]:
    """`flips`: so many bits of an attribute; rows in memory go through all of them."""
    yield item | {"note": {"S": "unknown"}}
    yield item | {"Hash": item["hash"]}
    for name in item.keys() - {"stream_id", "version"}:
        kind, value = next(iter(item[name].items()))
        yield {other: item[other] for other in item if other != name}
        yield from (item | {name: foreign} for other, foreign in FOREIGN_VALUES.items() if other != kind)
        if kind == "N":
            yield from (item | {name: {"N": number}} for number in OTHER_NUMBERS)
        else:
            changes = list(_flips(value))
            yield from (item | {name: {kind: changed}} for changed in changes[:: max(1, len(changes) // flips)])
            yield item | {name: {kind: value + value}}
    if "state" in item:
        yield {name: value for name, value in item.items() if not name.startswith("state")}
    else:
        yield item | {"state": {"S": "{}"}, "state_schema": {"N": "1"}}


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_an_item_removed(table: Table, version: int) -> None:
    table.remove(version)

    assert _first_bad(table.store) == version


def test_two_items_swapped(table: Table) -> None:
    table.put(row_to_item(ROWS[2]) | _key(5))
    table.put(row_to_item(ROWS[4]) | _key(3))

    assert _first_bad(table.store) == 3


@pytest.mark.parametrize(
    ("version", "first_bad"),
    [
        ("-3", -3), ("-0.5", 0), ("0", 0), ("0.5", 1), ("1.5", 2), ("6.999", 7), ("7.5", 8), ("8", 8), ("9", 8),
        ("1E+30", 8), ("9E+125", 8),
    ],
)  # fmt: skip
@pytest.mark.parametrize("broken", [False, True], ids=["copied", "not a row"])
def test_an_item_inserted(table: Table, version: str, first_bad: int, broken: bool) -> None:
    item = row_to_item(ROWS[1]) | _key(version)
    table.put(item | ({"note": {"S": "x"}} if broken else {}))

    assert _first_bad(table.store) == first_bad


def test_versions_shifted(table: Table) -> None:
    for row in reversed(ROWS[3:]):
        table.put(row_to_item(row) | _key(row.version + 1))
        table.remove(row.version)

    assert _first_bad(table.store) == 4


@pytest.mark.parametrize("page_bytes", [1, 900, 2000])
@pytest.mark.parametrize("version", range(1, NEWEST + 1))
def test_a_bad_item_on_any_page(page_bytes: int, version: int) -> None:
    client = FakeDynamoDB(dict(zip(Tables._fields, KEYS.values(), strict=True)), page_bytes=page_bytes)
    table = Table(client, Tables(*Tables._fields))
    item = row_to_item(ROWS[version - 1])
    assert _first_bad(table.store) is None

    for changed in (item | {"note": {"S": "x"}}, item | {"type": {"S": "Other"}}):
        table.put(changed)
        assert _first_bad(table.store) == version
    if version > 1:
        table.remove(version - 1)
        assert _first_bad(table.store) == version - 1, "the first of two"


def test_an_item_comes_back_as_its_row() -> None:
    assert [item_to_row(row_to_item(row)) for row in ROWS] == ROWS
