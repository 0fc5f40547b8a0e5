"""The reading side of a read model: which generations it reads, what it keeps for how long, and what it costs."""

from __future__ import annotations

import itertools
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.retry import REQUEST_SECONDS, Backoff, Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.errors import GenerationGoneError, NotBuiltError, ReadModelUnavailableError
from lambdas.projections.lag import Lag
from lambdas.projections.read_model import AccountRow
from lambdas.projections.reading.listing import Cursor
from lambdas.projections.reading.reader import FORGOTTEN_SECONDS, KEPT_SECONDS, LAG_SECONDS, Reader
from tests.support.account_rows import BOOKED, gate, row
from tests.support.backends import NewId
from tests.support.clocks import SimulatedTime
from tests.support.fake_dynamodb import client_error
from tests.support.metering import Usage
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_model_readers import BOTH, ReadTable, control, expected, ids, in_shard, pages
from tests.support.read_models import NewPorts

IDS = [f"{number}{number}111111-2222-4333-8444-555555555555" for number in range(6)]
ROWS = {generation: [row(account_id, generation) for account_id in IDS] for generation in (1, 2, 3)}


@pytest.fixture
def here() -> ReadTable:
    """Generation 1 is live, and 2 and 3 have rows, too: an account's version is its generation."""
    here = ReadTable()
    for generation, rows in ROWS.items():
        here.put(generation, *rows)
    here.name(control(1))
    return here


def versions(rows: list[AccountRow[Any]]) -> set[int]:
    return {each.gate.version for each in rows}


def asked(here: ReadTable) -> tuple[Reader[Any], Usage]:
    """A reader, and what it asks for from now on."""
    meter = ReadModelMeter(here.ports.client)
    usage = Usage()
    meter._open.append(usage)
    return here.reader(meter), usage


def test_nothing_is_built_yet() -> None:
    here = ReadTable()
    here.put(1, *ROWS[1])
    reader = here.reader()
    for named in (control(), control(0, building=1)):
        here.name(named)
        for ask in (
            lambda: reader.listing(BOTH, "", 10),
            lambda: reader.accounts(IDS),
            lambda: reader.shared("", "~"),
        ):
            with pytest.raises(NotBuiltError, match="daybook projections rebuild account_summaries"):
                ask()
        with pytest.raises(GenerationGoneError):
            reader.listing(BOTH, "", 10, Cursor(1, "open", 0, "EUR#"))

    here.name(control(1))
    assert versions(reader.listing(BOTH, "", 10).rows) == {1}


def test_live_generation_is_read_and_no_other(here: ReadTable) -> None:
    here.name(control(2, previous=1, building=3))
    reader = here.reader()

    assert versions(reader.listing(BOTH, "", 10).rows) == {2}
    assert versions(list(reader.accounts(IDS).values())) == {2}
    assert reader.accounts([IDS[3], "nobody", IDS[3]]) == {IDS[3]: ROWS[2][3]}
    assert reader.accounts([]) == {}


@pytest.mark.parametrize(("previous", "generation"), [(1, 0), (0, 0), (1, -1), (1, 3), (0, 1), (1, 4), (1, 10**30)])
def test_generation_that_is_not_named_cannot_be_read(here: ReadTable, previous: int, generation: int) -> None:
    here.name(control(2, previous=previous, building=3))

    with pytest.raises(GenerationGoneError, match=f"Generation {generation} "):
        here.reader().listing(BOTH, "", 10, Cursor(generation, "open", 0, "EUR#"))


def test_switch_and_way_back_between_pages(here: ReadTable) -> None:
    reader, elsewhere = here.reader(), here.reader()
    read = []
    cursor = None
    for named in (control(1, building=2), control(2, previous=1), control(1, previous=2), control(1, previous=2)):
        here.name(named)
        here.now += KEPT_SECONDS
        page = reader.listing(BOTH, "", 1, cursor)
        read.append(page)
        cursor = page.cursor

    assert [each for page in read for each in ids(page)] == expected(ROWS[1])[:4]
    assert versions([each for page in read for each in page.rows]) == {1}
    assert versions(elsewhere.listing(BOTH, "", 1, cursor).rows) == {1}


class Overtaken:
    """Before each request for rows another generation becomes the live one, and nothing that was kept counts."""

    def __init__(self, here: ReadTable) -> None:
        self._here, self._turns = here, itertools.cycle([control(2, previous=1), control(1, previous=2)])

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            if name != "get_item":
                self._here.name(next(self._turns))
                self._here.now += KEPT_SECONDS
            return getattr(self._here.ports.client, name)(**request)

        return call


@pytest.mark.parametrize("ask", ["listing", "accounts"])
def test_switch_while_a_request_is_in_flight(here: ReadTable, ask: str) -> None:
    """Whatever happens between its requests to the table, an answer is of one generation."""
    client = Overtaken(here)
    reader = here.reader(client)

    if ask == "listing":
        first = reader.listing(BOTH, "", 3)
        assert versions(first.rows) == {1}
        assert first.cursor is not None
        assert first.cursor.generation == 1
        assert versions(reader.listing(BOTH, "", 3, first.cursor).rows) == {1}
    else:
        assert versions(list(reader.accounts([*IDS, *more(300)]).values())) == {1}


def more(count: int) -> list[str]:
    """Ids that nobody has, so that several batches are read."""
    return [str(uuid.UUID(int=number)) for number in range(count)]


def test_dropped_generation_is_gone(here: ReadTable) -> None:
    reader = here.reader()
    cursor = reader.listing(BOTH, "", 2).cursor
    here.name(control(2, previous=1))
    here.now += KEPT_SECONDS
    assert versions(reader.listing(BOTH, "", 2, cursor).rows) == {1}

    here.name(control(2))
    here.now += KEPT_SECONDS

    with pytest.raises(GenerationGoneError):
        reader.listing(BOTH, "", 2, cursor)
    assert versions(reader.listing(BOTH, "", 2).rows) == {2}


def test_cursor_of_somebody_who_has_seen_the_switch_earlier(here: ReadTable) -> None:
    here.name(control(1, building=2))
    late, usage = asked(here)
    late.accounts([])
    here.name(control(2, previous=1))
    cursor = here.reader().listing(BOTH, "", 2).cursor
    assert versions(late.accounts(IDS).values()) == {1}  # type: ignore[arg-type]

    rest = late.listing(BOTH, "", 10, cursor)

    assert versions(rest.rows) == {2}
    assert ids(rest) == expected(ROWS[2])[2:]
    assert usage.operations.count("GetItem") == 2
    assert versions(late.listing(BOTH, "", 10).rows) == {2}


def test_control_row_is_kept_for_ten_seconds(here: ReadTable) -> None:
    reader, usage = asked(here)
    reader.accounts(IDS)
    here.name(control(2, previous=1))

    here.now += KEPT_SECONDS - 0.001
    assert versions(list(reader.accounts(IDS).values())) == {1}
    assert usage.operations == ["GetItem", "BatchGetItem", "BatchGetItem"]

    here.now += 0.001
    assert versions(list(reader.accounts(IDS).values())) == {2}
    assert usage.operations[3:] == ["GetItem", "BatchGetItem"]


def test_rows_may_be_deleted_when_nobody_can_read_them_any_more() -> None:
    assert (KEPT_SECONDS, FORGOTTEN_SECONDS) == (10, KEPT_SECONDS + REQUEST_SECONDS)


def test_lag_is_kept_for_ten_seconds(here: ReadTable) -> None:
    reader, usage = asked(here)
    assert [reader.lag(), reader.lag()] == [None, None]
    lags = [Lag(events=number, seconds=1.5, measured_at=BOOKED) for number in range(3)]

    here.ports.positions.save_lag(lags[0])
    assert reader.lag() == lags[0]
    here.ports.positions.save_lag(lags[1])
    here.now += KEPT_SECONDS - 0.001
    assert reader.lag() == lags[0]
    here.now += 0.001
    assert reader.lag() == lags[1]

    assert usage.operations == ["GetItem"] * 4


def test_stale_control_row_does_not_do_when_the_table_is_silent(here: ReadTable) -> None:
    class Silent:
        down = False

        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                if self.down and name == "get_item":
                    raise client_error("ThrottlingException", name)
                return getattr(here.ports.client, name)(**request)

            return call

    client = Silent()
    reader = here.reader(client)
    reader.accounts(IDS)
    client.down = True
    assert versions(list(reader.accounts(IDS).values())) == {1}

    here.now += KEPT_SECONDS
    with pytest.raises(ReadModelUnavailableError):
        reader.accounts(IDS)

    client.down = False
    assert versions(list(reader.accounts(IDS).values())) == {1}


class Slow:
    """A table that takes its time."""

    def __init__(self, here: ReadTable, time: SimulatedTime, seconds: float) -> None:
        self._client, self._time, self._seconds = here.ports.client, time, seconds

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self._time.sleep(self._seconds)
            return getattr(self._client, name)(**request)

        return call


def slow_reader(here: ReadTable, time: SimulatedTime, seconds: float) -> Reader[Any]:
    return on_client(Slow(here, time, seconds), here, time)


def on_client(client: Any, here: ReadTable, time: SimulatedTime) -> Reader[Any]:
    return Reader(
        client,
        here.ports.table_name,
        ACCOUNT_SUMMARIES,
        backoff=Backoff(sleep=time.sleep, uniform=lambda low, high: high),
        new_deadline=lambda seconds: Deadline(seconds, monotonic=time.monotonic),
    )


@pytest.mark.parametrize("seconds", [2.3, 3.5, 7.0])
def test_every_call_ends_in_time(here: ReadTable, seconds: float) -> None:
    """However slow the table is: all requests of a call share one deadline, up to the batch of rows."""
    here.put(1, *in_shard(0, 5), *in_shard(1, 5))
    time = SimulatedTime()

    with pytest.raises(ReadModelUnavailableError, match="No time"):
        slow_reader(here, time, seconds).listing(("open",), "", 3 if seconds > 3 else 8)

    assert time.monotonic() <= 10 + seconds


@pytest.mark.parametrize("call", ["accounts", "shared"])
def test_other_calls_end_in_time_too(here: ReadTable, call: str) -> None:
    time = SimulatedTime()
    reader = slow_reader(here, time, 7.0)

    with pytest.raises(ReadModelUnavailableError, match="No time"):
        reader.accounts(IDS) if call == "accounts" else reader.shared("", "~")

    assert time.monotonic() == 7.0


def test_the_lag_is_not_waited_for_as_long_as_an_answer(here: ReadTable) -> None:
    """An answer that is there waits for it, and its function has not the time of two answers."""
    time = SimulatedTime()

    class Refusing:
        def get_item(self, **_: Any) -> Any:
            time.sleep(0.5)
            raise client_error("ThrottlingException", "GetItem")

    with pytest.raises(ReadModelUnavailableError):
        on_client(Refusing(), here, time).lag()

    assert 0.5 <= time.monotonic() <= LAG_SECONDS


def test_one_of_many_threads_reads_the_control_row(here: ReadTable) -> None:
    asked_twice = threading.Event()
    asks: list[int] = []

    class Held:
        """Its first answer waits for a second request, and for a while if none comes."""

        def get_item(self, **request: Any) -> Any:
            asks.append(1)
            if len(asks) > 1:
                asked_twice.set()
            asked_twice.wait(0.2)
            return here.ports.client.get_item(**request)

        def __getattr__(self, name: str) -> Any:
            return getattr(here.ports.client, name)

    reader = here.reader(Held())

    with ThreadPoolExecutor(4) as threads:
        read = list(threads.map(lambda _: reader.accounts(IDS), range(8)))

    assert all(versions(list(each.values())) == {1} for each in read)
    assert len(asks) == 1


def test_shared_rows_of_the_live_generation(new_table: NewPorts, new_id: NewId) -> None:
    ports = new_table(DAILY_TOTALS)
    for generation in (1, 2):
        for _ in range(5):
            account_id = new_id()
            after = AccountRow(account_id, gate(1), LastDay("2026-03-01"))
            added = {"EUR#2026-03-01": {"events": generation}, "EUR#2026-03-02": {"net": -1}}
            ports.rows.save(generation, AccountRow(account_id), after, added, Deadline())
    ports.control.change(control(), control(2, previous=1))
    meter = ReadModelMeter(ports.client)  # type: ignore[attr-defined]
    reader = Reader(meter, ports.table_name, DAILY_TOTALS)  # type: ignore[attr-defined]

    with meter.measure() as usage:
        shared = reader.shared("EUR#2026-03-01", "EUR#2026-03-01")

    assert shared == {"EUR#2026-03-01": {"events": 10}}
    assert usage.operations == ["GetItem", *["Query"] * 16]
    assert usage.read_units == 17


def test_accounts_by_their_ids_are_one_batch(here: ReadTable) -> None:
    reader, usage = asked(here)
    reader.accounts([])

    assert set(reader.accounts(IDS)) == set(IDS)

    assert usage.operations == ["GetItem", "BatchGetItem"]
    assert usage.read_units == 1 + len(IDS)


def test_accounts_are_read_as_they_are_now(here: ReadTable) -> None:
    """The index is behind; the rows are not."""
    here.ports.client.stand_still()
    newer = replace(ROWS[1][0], gate=gate(9))
    here.put(1, newer)

    assert here.reader().accounts(IDS[:1]) == {IDS[0]: newer}
    assert newer in here.reader().listing(BOTH, "", 10).rows


def test_pages_of_a_generation_that_is_not_live_any_more_are_whole(here: ReadTable) -> None:
    reader = here.reader()
    walk = pages(reader, 2)
    listed = ids(next(walk))
    here.name(control(3, previous=1))
    here.now += KEPT_SECONDS

    listed += [each for page in walk for each in ids(page)]

    assert listed == expected(ROWS[1])
