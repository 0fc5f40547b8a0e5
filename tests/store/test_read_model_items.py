"""Items of a read model that this release has not written so: what can be read is, and the rest is a typed error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES, AccountSummary
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.dynamodb import table
from lambdas.projections.errors import AdditionRefusedError, CorruptItemError, ProjectionError, RowChangedError
from lambdas.projections.lag import Lag, Position
from lambdas.projections.projection import Place
from lambdas.projections.read_model import AccountRow, Gate
from lambdas.projections.segments import Segment
from tests.support.account_rows import BOOKED, gate, row
from tests.support.fake_dynamodb import client_error
from tests.support.metering import item_bytes
from tests.support.read_models import TablePorts, fake_ports

SHARD_OF_A = 9
"""A shard is part of stored keys: it may never be worked out otherwise."""
A = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def ports() -> TablePorts:
    return fake_ports(ACCOUNT_SUMMARIES)


def put(ports: TablePorts, key: table.Key, **attributes: Any) -> None:
    ports.client.tables[ports.table_name].put({**key, **attributes})


def item(ports: TablePorts, key: table.Key) -> dict[str, Any]:
    found: dict[str, Any] = ports.client.tables[ports.table_name].get(key)
    return found


Read = Callable[[TablePorts], object]
ACCOUNT, SHARED = table.account_key(1, A), table.shared_key(1, A, "EUR#d")
PLACES: dict[str, tuple[table.Key, str, Read]] = {
    "gate": (ACCOUNT, table.GATE, lambda ports: ports.rows.load(1, A, Deadline())),
    "gate in a batch": (ACCOUNT, table.GATE, lambda ports: ports.rows.rows(1, [A])),
    "control row": (table.CONTROL_KEY, table.CONTROL, lambda ports: ports.control.read()),
    "segment": (table.segment_key(1, 7), table.PROGRESS, lambda ports: ports.segments.load(1, 7)),
    "all segments": (table.segment_key(1, 7), table.PROGRESS, lambda ports: ports.segments.all(1)),
    "position": (table.position_key("s"), table.POSITION, lambda ports: ports.positions.all()),
    "lag": (table.LAG_KEY, table.LAG, lambda ports: ports.positions.lag()),
}
WRONG: dict[str, dict[str, Any]] = {
    "no text": {},
    "another type": {"N": "1"},
    "no JSON": {"S": "{"},
    "empty": {"S": ""},
    "another shape": {"S": '{"version": "one", "live": -1.5, "generation": null, "shard": 7, "events": "x"}'},
    "deep": {"S": '{"unknown": ' + "[" * 100_000},
    "half a character": {"S": '"\\ud800"'},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("key", "name", "read"), PLACES.values(), ids=PLACES)
def test_item_that_cannot_be_read(
    ports: TablePorts, key: table.Key, name: str, read: Read, wrong: dict[str, Any]
) -> None:
    put(ports, key, **({name: wrong} if wrong else {}))

    with pytest.raises(CorruptItemError) as corrupt:
        read(ports)

    assert key["pk"]["S"] in str(corrupt.value)
    assert isinstance(corrupt.value, ProjectionError)


def test_what_is_kept_cannot_be_read(ports: TablePorts) -> None:
    ports.rows.save(1, AccountRow(A), row(A, 1), {}, Deadline())
    put(ports, ACCOUNT, **{**item(ports, ACCOUNT), table.KEPT: {"S": '{"status": "lost"}'}})

    with pytest.raises(CorruptItemError, match=f"1#{A}/account.*kept"):
        ports.rows.load(1, A, Deadline())
    with pytest.raises(CorruptItemError):
        ports.rows.save(1, AccountRow(A), row(A, 2), {}, Deadline())


NO_NUMBERS = [{"S": "1"}, {"N": "1.5"}, {"N": "NaN"}, {"N": "Infinity"}, {"N": "x"}, {"BOOL": "1"}]


@pytest.mark.parametrize("wrong", NO_NUMBERS)
def test_measure_that_is_no_whole_number(ports: TablePorts, wrong: dict[str, str]) -> None:
    put(ports, SHARED, net=wrong, events={"N": "1"})

    with pytest.raises(CorruptItemError, match="net is no"):
        ports.rows.shared_rows(1, "", "~")


@pytest.mark.parametrize(("text", "value"), [("1E+3", 1000), ("-0", 0), ("7.0", 7), ("9" * 38, int("9" * 38))])
def test_number_in_another_spelling(ports: TablePorts, text: str, value: int) -> None:
    put(ports, SHARED, net={"N": text})

    assert ports.rows.shared_rows(1, "", "~") == {"EUR#d": {"net": value}}


def respelled(content: msgspec.Struct) -> dict[str, str]:
    """The text of another release, whose struct had a field more."""
    return {"S": msgspec.json.encode({"of another release": 1, **msgspec.to_builtins(content)}).decode()}


def test_gate_of_another_release_still_lets_the_row_move_on() -> None:
    totals = fake_ports(DAILY_TOTALS)
    for version, added in ((1, {}), (2, {"EUR#d": {"events": 1}})):
        before = AccountRow(A, gate(version), LastDay("d"))
        put(totals, ACCOUNT, gate=respelled(before.gate), kept={"S": msgspec.json.encode(LastDay("d")).decode()})

        totals.rows.save(1, totals.rows.load(1, A, Deadline()), AccountRow(A, gate(9), LastDay("d")), added, Deadline())

        assert totals.rows.load(1, A, Deadline()).gate == gate(9)
    assert totals.rows.shared_rows(1, "", "~") == {"EUR#d": {"events": 1}}


def test_empty_gate_that_stands_in_a_row(ports: TablePorts) -> None:
    put(ports, ACCOUNT, gate=respelled(Gate()))

    ports.rows.save(1, AccountRow(A), row(A, 1), {}, Deadline())

    assert ports.rows.load(1, A, Deadline()) == row(A, 1)


def test_gate_that_somebody_else_moves_before_it_is_written_again(ports: TablePorts) -> None:
    put(ports, ACCOUNT, gate=respelled(gate(1)))
    calls = iter(range(9))

    class Meanwhile:
        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                if name == "put_item" and next(calls) == 1:
                    put(ports, ACCOUNT, gate=respelled(gate(5)))
                return getattr(ports.client, name)(**request)

            return call

    with pytest.raises(RowChangedError) as changed:
        ports.on(Meanwhile()).rows.save(1, AccountRow(A, gate(1)), row(A, 2), {}, Deadline())

    assert changed.value.current.gate == gate(5)


def test_control_row_of_another_release_can_be_changed(ports: TablePorts) -> None:
    walking = Control().started("first", segments=1, at=BOOKED)
    put(ports, table.CONTROL_KEY, control=respelled(walking), walking={"S": "1/first"})

    ports.control.change(ports.control.read(), walking.settling("first"))

    assert ports.control.read() == walking.settling("first")
    assert table.WALKING not in item(ports, table.CONTROL_KEY)


@pytest.mark.parametrize("amount", [10**38, -(10**38)])
def test_number_of_too_many_digits_is_not_sent(amount: int) -> None:
    totals = fake_ports(DAILY_TOTALS)
    after = AccountRow(A, gate(1), LastDay("d"))

    with pytest.raises(AdditionRefusedError, match=r"1#shared#\d+/EUR#d.*38 digits"):
        totals.rows.save(1, AccountRow(A), after, {"EUR#d": {"net": amount}}, Deadline())

    assert totals.rows.load(1, A, Deadline()) == AccountRow(A)


@pytest.mark.parametrize("sign", [1, -1])
def test_measure_that_would_have_too_many_digits(sign: int) -> None:
    totals = fake_ports(DAILY_TOTALS)
    first, second = (AccountRow(A, gate(version), LastDay("d")) for version in (1, 2))
    totals.rows.save(1, AccountRow(A), first, {"EUR#d": {"net": sign * (10**38 - 1)}}, Deadline())

    with pytest.raises(AdditionRefusedError, match="EUR#d"):
        totals.rows.save(1, first, second, {"EUR#c": {"net": 1}, "EUR#d": {"net": sign}}, Deadline())

    assert totals.rows.load(1, A, Deadline()) == first
    assert totals.rows.shared_rows(1, "", "~") == {"EUR#d": {"net": sign * (10**38 - 1)}}


def test_cancellation_for_another_reason_is_passed_on() -> None:
    totals = fake_ports(DAILY_TOTALS)
    reasons = [{"Code": "ItemCollectionSizeLimitExceeded"}, {"Code": "None"}]
    error = client_error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                raise error

            return call

    with pytest.raises(ClientError, match="TransactionCanceled"):
        totals.on(Refusing()).rows.save(
            1, AccountRow(A), AccountRow(A, gate(1), LastDay("d")), {"EUR#d": {"net": 1}}, Deadline()
        )


def test_additions_behind_a_gate_that_stands_still_are_refused() -> None:
    totals = fake_ports(DAILY_TOTALS)
    one = AccountRow(A, gate(1), LastDay("d"))

    with pytest.raises(ValueError, match="shared rows"):
        totals.rows.save(1, one, one, {"EUR#d": {"net": 1}}, Deadline())


@pytest.mark.parametrize("place", [Place("frozen", "EUR"), Place("open", "E#R"), Place("op#en", "EUR")])
def test_place_that_no_listing_has_is_refused(place: Place) -> None:
    lost = msgspec.structs.replace(ACCOUNT_SUMMARIES, place=lambda kept: place, groups=("open", "op#en"))

    with pytest.raises(ValueError, match="no place"):
        fake_ports(lost).rows.save(1, AccountRow(A), row(A, 1), {}, Deadline())


def test_attributes_are_those_that_are_documented(ports: TablePorts) -> None:
    ports.rows.save(12, AccountRow(A), row(A, 1, stopped="why"), {}, Deadline())

    shard = table.shard_of(A)
    stored = item(ports, table.account_key(12, A))
    assert {name: stored[name] for name in stored if name not in {"gate", "kept"}} == {
        "pk": {"S": f"12#{A}"},
        "sk": {"S": "account"},
        "listed": {"S": f"12#open#{shard}"},
        "ordered": {"S": f"EUR#{A}"},
        "stopped_in": {"S": "12"},
    }
    assert msgspec.json.decode(stored["gate"]["S"], type=Gate) == gate(1, stopped="why", account_id=A)


def test_account_row_fits_one_write_unit(ports: TablePorts) -> None:
    """A typical one takes about half of it, and one with the largest numbers and the longest reason still fits."""
    large = AccountSummary(
        status="closed", currency="EUR", balance=-(9 * 10**15), overdraft_limit=10**15 - 1,
        opened_at=BOOKED, last_activity_at=BOOKED, events=10**9,
    )  # fmt: skip
    largest = AccountRow(A, gate(10**9, stopped="x" * 256, account_id=A), large)
    sizes = []
    for each in (row(A, 1234), largest):
        ports.rows.save(1000, AccountRow(A), each, {}, Deadline())
        sizes.append(item_bytes(item(ports, table.account_key(1000, A))))
        ports.client.tables[ports.table_name].delete(f"1000#{A}", "account")

    assert sizes[0] <= 600
    assert sizes[1] <= 1024


def test_all_kinds_of_items_say_to_which_generation_they_belong(ports: TablePorts) -> None:
    walking = Control().started("first", segments=1, at=BOOKED)
    ports.control.change(Control(), walking)
    ports.rows.save(1, AccountRow(A), row(A, 1), {"EUR#d": {"net": 1}}, Deadline())
    ports.rows.defer(1, A, "first", Deadline())
    ports.segments.save(Segment(generation=1, number=0, rebuild="first"))
    ports.positions.save(Position(shard="s", sequence_number="1", recordedtime="", folded_at=""))
    ports.positions.save_lag(Lag(events=0, seconds=0, measured_at=BOOKED))

    keys = [each["pk"]["S"] for each in ports.client.tables[ports.table_name].all()]

    assert sorted(str(table.generation_of(key)) for key in keys) == ["1"] * 4 + ["None"] * 3


def test_shards_take_about_the_same_share() -> None:
    counts = [0] * table.SHARDS
    for number in range(1600):
        counts[table.shard_of(f"account-{number}")] += 1

    assert min(counts) > 60
    assert max(counts) < 150
    assert table.shard_of(A) == SHARD_OF_A


def test_account_that_goes_on_is_not_stopped_although_the_index_still_says_so(ports: TablePorts) -> None:
    ports.rows.save(1, AccountRow(A), row(A, 1, stopped="why"), {}, Deadline())
    ports.client.stand_still()
    assert [each.account_id for each in ports.rows.stopped(1)] == [A]

    ports.rows.save(1, row(A, 1, stopped="why"), row(A, 2), {}, Deadline())

    assert list(ports.rows.stopped(1)) == []
