"""What each operation of a read model costs, counted: requests and capacity units, with indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.errors import RowChangedError
from lambdas.projections.lag import Lag, Position
from lambdas.projections.projection import AnyProjection
from lambdas.projections.read_model import AccountRow, Units
from lambdas.projections.segments import Segment
from tests.support.account_rows import BOOKED, gate, row
from tests.support.backends import NewId
from tests.support.metering import Usage
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_models import NewPorts, TablePorts, fake_ports

DAYS = {f"EUR#2026-03-{day:02}": {"events": 1, "net": -5, "withdrawn": 5} for day in range(1, 5)}
WALKING = Control().started("first", segments=4, at=BOOKED)


class Metered:
    """The ports of a projection on a table, and what their operations cost."""

    def __init__(self, new_table: NewPorts, projection: AnyProjection) -> None:
        ports = new_table(projection)
        assert isinstance(ports, TablePorts)
        self.meter = ReadModelMeter(ports.client)
        self.ports = ports.on(self.meter)

    def usage(self, operation: Callable[[], object]) -> Usage:
        with self.meter.measure() as usage:
            operation()
        return usage

    def save(self, before: AccountRow[Any], after: AccountRow[Any], added: Any = None) -> Usage:
        return self.usage(lambda: self.ports.rows.save(1, before, after, added or {}, Deadline()))


@pytest.fixture
def summaries(new_table: NewPorts) -> Metered:
    return Metered(new_table, ACCOUNT_SUMMARIES)


@pytest.fixture
def totals(new_table: NewPorts) -> Metered:
    return Metered(new_table, DAILY_TOTALS)


def costs(usage: Usage, operations: list[str], *, read: float = 0, write: int = 0) -> None:
    assert (usage.operations, usage.read_units, usage.write_units) == (operations, read, write)


def counted(account_id: str, version: int) -> AccountRow[LastDay]:
    return AccountRow(account_id, gate(version), LastDay("2026-03-01"))


def test_first_row_of_an_account_is_one_request_and_its_place_in_the_index(summaries: Metered, new_id: NewId) -> None:
    account_id = new_id()

    costs(summaries.save(AccountRow(account_id), row(account_id, 1)), ["PutItem"], write=1 + 1)


def test_row_of_a_warm_account_is_one_request_of_one_unit(summaries: Metered, new_id: NewId) -> None:
    account_id = new_id()
    summaries.save(AccountRow(account_id), row(account_id, 1))

    costs(summaries.save(row(account_id, 1), row(account_id, 2)), ["PutItem"], write=1)


def test_row_of_a_cold_account_is_one_read_more(summaries: Metered, new_id: NewId) -> None:
    for known in (False, True):
        account_id = new_id()
        if known:
            summaries.save(AccountRow(account_id), row(account_id, 1))

        costs(summaries.usage(lambda: summaries.ports.rows.load(1, account_id, Deadline())), ["GetItem"], read=1)  # noqa: B023


def test_account_that_moves_in_the_index_costs_two_units_more(summaries: Metered, new_id: NewId) -> None:
    account_id = new_id()
    summaries.save(AccountRow(account_id), row(account_id, 1))

    moved = summaries.save(row(account_id, 1), row(account_id, 2, status="closed"))

    costs(moved, ["PutItem"], write=1 + 2)


def test_account_that_is_stopped_costs_one_unit_more(summaries: Metered, new_id: NewId) -> None:
    account_id = new_id()
    summaries.save(AccountRow(account_id), row(account_id, 1))
    stopped = row(account_id, 1, stopped="why")

    costs(summaries.save(row(account_id, 1), stopped), ["PutItem"], write=1 + 1)
    costs(summaries.save(stopped, row(account_id, 2)), ["PutItem"], write=1 + 1)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_totals_cost_two_units_and_two_for_each_shared_row(totals: Metered, new_id: NewId, rows: int) -> None:
    account_id = new_id()
    added = dict(list(DAYS.items())[:rows])

    costs(
        totals.save(AccountRow(account_id), counted(account_id, 1), added), ["TransactWriteItems"], write=2 + 2 * rows
    )
    costs(
        totals.save(counted(account_id, 1), counted(account_id, 2), added), ["TransactWriteItems"], write=2 + 2 * rows
    )


def test_event_that_adds_nothing_to_totals_is_one_unit(totals: Metered, new_id: NewId) -> None:
    account_id = new_id()

    costs(totals.save(AccountRow(account_id), counted(account_id, 1)), ["PutItem"], write=1)


def test_lost_race_is_one_request_that_brings_the_row(summaries: Metered, new_id: NewId) -> None:
    account_id = new_id()
    summaries.save(AccountRow(account_id), row(account_id, 2))

    def loses() -> None:
        with pytest.raises(RowChangedError):
            summaries.ports.rows.save(1, AccountRow(account_id), row(account_id, 1), {}, Deadline())

    costs(summaries.usage(loses), ["PutItem"], write=1)


def test_control_row_of_a_batch_is_one_read(summaries: Metered) -> None:
    costs(summaries.usage(summaries.ports.control.read), ["GetItem"], read=1)
    summaries.ports.control.change(Control(), WALKING)
    costs(summaries.usage(summaries.ports.control.read), ["GetItem"], read=1)


def test_account_that_is_deferred(summaries: Metered, new_id: NewId) -> None:
    account_id = new_id()
    summaries.ports.control.change(Control(), WALKING)
    rows = summaries.ports.rows

    costs(summaries.usage(lambda: rows.defer(1, account_id, "first", Deadline())), ["TransactWriteItems"], write=4)
    costs(summaries.usage(lambda: list(rows.deferred(1))), ["Query"], read=1)
    costs(summaries.usage(lambda: rows.undefer(1, account_id)), ["DeleteItem"], write=1)


def test_what_is_dropped_goes_by_twenty_five(summaries: Metered, new_id: NewId) -> None:
    ports = summaries.ports
    ports.control.change(Control(), WALKING)
    for number in range(4):
        ports.segments.save(Segment(generation=1, number=number, rebuild="first"))
    for _ in range(30):
        ports.rows.defer(1, new_id(), "first", Deadline())

    usage = summaries.usage(lambda: ports.segments.drop(1))

    costs(usage, ["Query", "BatchWriteItem", "Query", "BatchWriteItem", "BatchWriteItem"], read=2, write=34)


def test_progress_and_positions(summaries: Metered) -> None:
    ports = summaries.ports
    ports.control.change(Control(), WALKING)
    segment = Segment(generation=1, number=0, rebuild="first")
    position = Position(shard="shardId-000000000000", sequence_number="1" * 56, recordedtime=BOOKED, folded_at=BOOKED)

    costs(summaries.usage(lambda: ports.segments.save(segment)), ["TransactWriteItems"], write=4)
    costs(summaries.usage(lambda: ports.segments.load(1, 0)), ["GetItem"], read=1)
    costs(summaries.usage(lambda: ports.positions.save(position)), ["PutItem"], write=1)
    costs(summaries.usage(ports.positions.all), ["Query"], read=1)
    costs(summaries.usage(ports.positions.lag), ["GetItem"], read=1)
    lag = Lag(events=0, seconds=0, measured_at=BOOKED)
    costs(summaries.usage(lambda: ports.positions.save_lag(lag)), ["PutItem"], write=1)


def test_rows_come_by_the_hundred(summaries: Metered, new_id: NewId) -> None:
    ids = [new_id() for _ in range(100)]
    for each in ids[:90]:
        summaries.save(AccountRow(each), row(each, 1))

    costs(summaries.usage(lambda: summaries.ports.rows.rows(1, ids)), ["BatchGetItem"], read=100)
    costs(summaries.usage(lambda: summaries.ports.rows.rows(1, [*ids, "more"])), ["BatchGetItem"] * 2, read=101)


def test_shared_rows_of_a_year_are_one_query_of_each_shard(new_id: NewId) -> None:
    totals = Metered(fake_ports, DAILY_TOTALS)
    measures = dict.fromkeys(("events", "opened", "credits", "credited", "net"), 123456789)
    account_id = new_id()
    for first in range(0, 360, 90):
        days = {f"EUR#2026-{day // 31 + 1:02}-{day % 31 + 1:02}": measures for day in range(first, first + 90)}
        version = first // 90
        before = AccountRow[LastDay](account_id) if version == 0 else counted(account_id, version)
        totals.save(before, counted(account_id, version + 1), days)

    usage = totals.usage(lambda: totals.ports.rows.shared_rows(1, "EUR#2026-01-01", "EUR#2026-12-31"))

    assert (usage.operations, usage.items_read) == (["Query"] * 16, 360)
    assert usage.read_units <= 15 + 8  # fifteen shards are empty


def test_units_are_those_that_the_answers_say(new_id: NewId, totals: Metered) -> None:
    """What is not said is not counted: a failed condition costs, and its answer does not say what."""

    class Telling:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                assert request["ReturnConsumedCapacity"] == "TOTAL"
                answer = dict(getattr(self._client, name)(**request))
                one = {"CapacityUnits": 0.5 if name == "query" else 3.0}
                many = name in {"batch_get_item", "batch_write_item", "transact_write_items"}
                answer["ConsumedCapacity"] = [one] if many else one
                return answer

            return call

    ports, account_id = totals.ports.on(Telling(totals.meter)), new_id()
    assert ports.rows.units == Units()
    ports.rows.load(1, account_id, Deadline())
    ports.rows.rows(1, [account_id])
    assert ports.rows.units == Units(read=6.0)
    ports.rows.save(1, AccountRow(account_id), counted(account_id, 1), {}, Deadline())
    ports.rows.save(1, counted(account_id, 1), counted(account_id, 2), DAYS, Deadline())
    ports.rows.undefer(1, account_id)
    assert ports.rows.units == Units(read=6.0, write=9.0)
    ports.rows.shared_rows(1, "", "~")
    assert ports.rows.units == Units(read=14.0, write=9.0)
