"""What a batch of the stream costs a projector: its requests and their capacity units."""

from __future__ import annotations

from collections import Counter

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.projection import AnyProjection
from lambdas.projections.stream.consumer import StreamConsumer
from lambdas.projections.stream.projector import Projector
from tests.support.clocks import TickingClock
from tests.support.event_rows import account_id, chained, row
from tests.support.folded_accounts import RecordedEvents
from tests.support.kinesis_events import kinesis_record, line
from tests.support.metering import Usage
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_models import NewPorts, TablePorts

OPENED = '{"currency":"EUR","overdraft_limit":0}'
WRITES = {"account_summaries": "PutItem", "daily_totals": "TransactWriteItems"}
UNITS = {"account_summaries": 1, "daily_totals": 2 + 2}
"""Of one account: its row; and in a transaction with it, one shared row."""
LISTED = {"account_summaries": 1, "daily_totals": 0}
"""Of a new account: its entry in the index of listings."""
FOUND = 1
"""Of a position."""


def history(number: int, length: int) -> list[EventRow]:
    """An account that is opened, and then credited."""
    stream_id = account_id(number)
    opened = row(1, stream_id=stream_id, kind="AccountCreated", data=OPENED)
    return chained([opened, *(row(version, stream_id=stream_id) for version in range(2, length + 1))])


class Bench:
    """A projector on a metered table, and the batches for it."""

    def __init__(self, new_table: NewPorts, projection: AnyProjection, control: Control) -> None:
        ports = new_table(projection)
        assert isinstance(ports, TablePorts)
        self.meter = ReadModelMeter(ports.client)
        self.ports = ports.on(self.meter)
        self.projection = projection
        self.events = RecordedEvents()
        self.ports.control.change(Control(), control)
        self.consumer = self.cold()

    def cold(self) -> StreamConsumer:
        """A function that remembers nothing."""
        projector = Projector(self.projection, self.ports.rows, self.ports.control, self.events)
        return StreamConsumer(projector, self.ports.positions, clock=TickingClock())

    def take(self, rows: list[EventRow], consumer: StreamConsumer | None = None) -> Usage:
        """A batch with a record for each row."""
        records = [kinesis_record([line(each)], number) for number, each in enumerate(rows, 1)]
        with self.meter.measure() as usage:
            assert (consumer or self.consumer).take(records, Deadline(60), Deadline(60)).complete
        return usage


ONE_LIVE = Control(live=1, newest=1)
TWO_LIVE = Control(live=2, previous=1, newest=2)


@pytest.fixture(params=[ACCOUNT_SUMMARIES, DAILY_TOTALS], ids=lambda each: each.name)
def bench(request: pytest.FixtureRequest, new_table: NewPorts) -> Bench:
    return Bench(new_table, request.param, ONE_LIVE)


def test_an_account_that_is_remembered_is_one_request_beside_the_batchs_two(bench: Bench) -> None:
    rows, name = history(1, 6), bench.projection.name
    bench.take(rows[:1])

    usage = bench.take(rows[1:])

    assert usage.operations == ["GetItem", WRITES[name], "PutItem"]
    assert usage.read_units <= 1
    assert usage.write_units == UNITS[name] + FOUND
    assert bench.events.reads == 0


def test_an_account_that_is_not_remembered_is_one_read_more(bench: Bench) -> None:
    rows, name = history(1, 3), bench.projection.name
    bench.take(rows[:1])

    usage = bench.take(rows[1:], bench.cold())

    assert usage.operations == ["GetItem", "GetItem", WRITES[name], "PutItem"]
    assert usage.read_units <= 2
    assert usage.write_units == UNITS[name] + FOUND


def test_duplicates_of_remembered_accounts_cost_the_batchs_two_requests(bench: Bench) -> None:
    rows = [each for number in range(1, 6) for each in history(number, 3)]
    bench.take(rows)

    usage = bench.take(rows)

    assert usage.operations == ["GetItem", "PutItem"]
    assert (usage.read_units, usage.write_units) == (1, FOUND)


def test_every_account_of_a_batch_is_one_request_however_many_events_it_has(bench: Bench) -> None:
    name, accounts = bench.projection.name, 40
    rows = [history(number, 9) for number in range(1, accounts + 1)]
    bench.take([each[0] for each in rows])

    usage = bench.take([each for its in rows for each in its[1:]])

    assert Counter(usage.operations) == Counter({"GetItem": 1, "PutItem": 1}) + Counter({WRITES[name]: accounts})
    assert usage.write_units == accounts * UNITS[name] + FOUND


def test_a_new_account_is_read_and_written_once(bench: Bench) -> None:
    name = bench.projection.name

    usage = bench.take(history(1, 3))

    assert usage.operations == ["GetItem", "GetItem", WRITES[name], "PutItem"]
    assert usage.write_units == UNITS[name] + LISTED[name] + FOUND


@pytest.mark.parametrize("projection", [ACCOUNT_SUMMARIES, DAILY_TOTALS], ids=lambda each: each.name)
def test_a_second_generation_costs_what_the_first_does_and_no_read_of_the_control_row(
    new_table: NewPorts, projection: AnyProjection
) -> None:
    bench, rows, name = Bench(new_table, projection, TWO_LIVE), history(1, 3), projection.name
    bench.take(rows[:1])

    usage = bench.take(rows[1:])

    assert usage.operations == ["GetItem", WRITES[name], WRITES[name], "PutItem"]
    assert usage.write_units == 2 * UNITS[name] + FOUND


def test_without_a_generation_a_batch_is_its_two_requests(new_table: NewPorts) -> None:
    bench = Bench(new_table, ACCOUNT_SUMMARIES, Control(newest=1))

    usage = bench.take(history(1, 3))

    assert usage.operations == ["GetItem", "PutItem"]
