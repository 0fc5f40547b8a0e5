"""Listings of accounts: every account once and in order, whatever the table and the limit, in few requests."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.dynamodb import table
from lambdas.projections.errors import CursorError
from lambdas.projections.projection import Place
from lambdas.projections.read_model import AccountRow, Gate
from lambdas.projections.reading.listing import Cursor
from lambdas.projections.reading.reader import Reader
from tests.support.account_rows import row
from tests.support.backends import NewId
from tests.support.metering import Usage
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_model_readers import BOTH, Groups, ReadTable, control, expected, ids, in_shard, pages
from tests.support.read_models import NewPorts
from tests.support.runs import runs

GROUPS: list[Groups] = [BOTH, ("closed", "open"), ("open",), ("closed",)]
CROWDED = [
    account_id
    for account_id in (str(uuid.UUID(int=number)) for number in range(200))
    if table.shard_of(account_id) in {0, 7, 15}
]
"""Accounts that share three shards."""
accounts = st.lists(
    st.tuples(
        st.sampled_from(CROWDED) | st.uuids(version=4).map(str),
        st.sampled_from(BOTH),
        st.sampled_from(["EUR", "EUA", "USD", "CHF"]),
    ),
    max_size=60,
    unique_by=lambda account: account[0],
)


@given(
    accounts=accounts,
    limit=st.integers(1, 8) | st.integers(1, 100),
    groups=st.sampled_from(GROUPS),
    prefix=st.sampled_from(["", "EUR", "E", "USD", "X"]),
    page_bytes=st.sampled_from([1, 300, 1024 * 1024]),
)
@settings(max_examples=runs(check=30, test=300, soak=5_000), deadline=None)
def test_every_account_once_and_in_order(
    accounts: Sequence[tuple[str, str, str]], limit: int, groups: Groups, prefix: str, page_bytes: int
) -> None:
    here = ReadTable()
    here.ports.client._page_bytes = page_bytes
    here.name(control(1, building=2))
    rows = [row(account_id, 1, status=status, currency=currency) for account_id, status, currency in accounts]
    here.put(1, *rows)
    here.put(2, *rows[:5], row(str(uuid.UUID(int=1)), 1))

    listed = list(pages(here.reader(), limit, groups, prefix))

    assert [each for page in listed for each in ids(page)] == expected(rows, groups, prefix)
    assert all(len(page.rows) == limit for page in listed[:-1])
    assert not listed[1:] or listed[-1].rows, "the last of several pages is not empty"
    found = {each.account_id: each for page in listed for each in page.rows}
    assert all(found[each.account_id] == each for each in rows if each.account_id in found)


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_every_account_once_and_in_order_everywhere(new_table: NewPorts, new_id: NewId, limit: int) -> None:
    here = ReadTable(new_table)
    here.name(control(1))
    rows = [row(new_id(), 1, status=BOTH[number % 2], currency=("EUR", "USD")[number % 3 % 2]) for number in range(23)]
    here.put(1, *rows)

    for groups, prefix in ((BOTH, ""), (("closed",), "EUR"), (("closed", "open"), "USD")):
        listed = [each for page in pages(here.reader(), limit, groups, prefix) for each in ids(page)]
        assert listed == expected(rows, groups, prefix)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
@pytest.mark.parametrize("shard", [0, 15])
def test_last_accounts_of_one_partition_are_not_lost(limit: int, shard: int) -> None:
    here = ReadTable()
    here.name(control(1))
    rows = in_shard(shard, 7, status="closed")
    here.put(1, *rows)

    listed = list(pages(here.reader(), limit))

    assert [each for page in listed for each in ids(page)] == [each.account_id for each in rows]
    assert len(listed) == -(-7 // limit)


def usage_of(here: ReadTable, groups: Groups, limit: int, cursor: Cursor | None = None) -> Usage:
    meter = ReadModelMeter(here.ports.client)
    reader = here.reader(meter)
    reader.accounts([])  # the control row is kept
    with meter.measure() as usage:
        reader.listing(groups, "", limit, cursor)
    return usage


def test_page_of_a_full_table_is_one_query_and_one_batch() -> None:
    here = ReadTable()
    here.name(control(1))
    here.put(1, *in_shard(0, 101))

    for limit, read_units in ((20, 0.5 + 20), (100, 1.5 + 100)):
        usage = usage_of(here, ("open",), limit)
        assert usage.operations == ["Query", "BatchGetItem"]
        assert usage.read_units == read_units


def test_nearly_empty_table_takes_few_round_trips(new_id: NewId) -> None:
    """One partition, then eight at a time: five rounds and a batch, not 32."""
    here = ReadTable()
    here.name(control(1))
    here.put(1, *in_shard(7, 1), *in_shard(9, 1, status="closed"))

    usage = usage_of(here, BOTH, 100)

    assert usage.operations == ["Query"] * 32 + ["BatchGetItem"]
    assert usage.read_units == 32 * 0.5 + 2


def test_partitions_are_asked_at_once_but_not_too_many() -> None:
    here = ReadTable()
    here.name(control(1))
    waves = Waves(here)

    assert here.reader(waves).listing(BOTH, "", 50).rows == []

    assert waves.most == 8


class Waves:
    """A client that holds every Query but the first until eight are under way, or as many as are left of 32."""

    def __init__(self, here: ReadTable) -> None:
        self._client = here.ports.client
        self._barriers = [threading.Barrier(count, timeout=10) for count in (8, 8, 8, 7)]
        self._lock = threading.Lock()
        self._asked = self._now = self.most = 0

    def query(self, **request: Any) -> Any:
        with self._lock:
            number = self._asked
            self._asked += 1
            self._now += 1
            self.most = max(self.most, self._now)
        if number:
            self._barriers[(number - 1) // 8].wait()
        answer = self._client.query(**request)
        with self._lock:
            self._now -= 1
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_partitions_that_are_half_full_are_not_read_in_vain() -> None:
    """Ten accounts in each partition, 25 wanted: the first says how many more to ask, two, and then one more."""
    here = ReadTable()
    here.name(control(1))
    for shard in range(16):
        here.put(1, *in_shard(shard, 10))

    usage = usage_of(here, ("open",), 25)

    assert usage.operations == ["Query"] * 3 + ["BatchGetItem"]
    assert usage.items_read == 30 + 25


def test_no_request_for_rows_of_an_empty_page() -> None:
    here = ReadTable()
    here.name(control(1))

    assert usage_of(here, ("open",), 5).operations == ["Query"] * 16


def test_account_that_has_moved_since_the_index_was_read_is_left_out() -> None:
    here = ReadTable()
    here.name(control(1))
    rows = in_shard(3, 6)
    here.put(1, *rows)
    here.ports.client.stand_still()
    moved = replace(rows[1], gate=replace(rows[1].gate, version=2), kept=row("", 2, status="closed").kept)
    elsewhere = replace(rows[2], gate=replace(rows[2].gate, version=2), kept=row("", 2, currency="USD").kept)
    here.put(1, moved, elsewhere)
    here.ports.client.tables[here.ports.table_name].delete(f"1#{rows[4].account_id}", "account")

    first, second = pages(here.reader(), 3)

    assert ids(first) == [rows[0].account_id]
    assert ids(second) == [rows[3].account_id, rows[5].account_id]
    assert ids(here.reader().listing(("closed",), "", 5)) == []

    here.ports.client.stand_still(still=False)
    assert ids(here.reader().listing(("closed",), "", 5)) == [moved.account_id]
    assert ids(here.reader().listing(BOTH, "USD", 5)) == [elsewhere.account_id]


def test_rows_stand_where_they_were_written_until_another_generation_is_live(new_table: NewPorts) -> None:
    """After a deployment that places accounts otherwise the live generation still has their old places."""
    here = ReadTable(new_table)
    here.name(control(1))
    rows = in_shard(3, 4)
    here.put(1, *rows)
    placed_anew = replace(ACCOUNT_SUMMARIES, place=lambda kept: Place(kept.status, kept.opened_at[:10]))
    reader = Reader(here.ports.client, here.ports.table_name, placed_anew)

    assert ids(reader.listing(BOTH, "", 10)) == [each.account_id for each in rows]
    assert ids(reader.listing(BOTH, "EUR#", 10)) == [each.account_id for each in rows]


def test_account_that_moves_does_not_stand_twice_in_a_page() -> None:
    """The index may show an account in its old place and in its new one for a moment."""
    here = ReadTable()
    here.name(control(1))
    (one,) = in_shard(3, 1)
    here.put(1, one)
    client = here.ports.client
    stale = client.tables[here.ports.table_name].all()[0]
    here.put(1, replace(one, gate=replace(one.gate, version=2), kept=row("", 2, status="closed").kept))
    client.stand_still()
    client._stale[here.ports.table_name].append({**stale, "sk": {"S": "account"}})

    page = here.reader().listing(BOTH, "", 10)

    assert [(each.gate.version, each.kept and each.kept.status) for each in page.rows] == [(2, "closed")]


def test_stopped_accounts_are_listed_as_they_were_and_unknown_ones_are_not(new_id: NewId) -> None:
    here = ReadTable()
    here.name(control(1))
    stopped, unknown = row(new_id(), 3, stopped="why"), AccountRow[Any](new_id(), Gate(stopped="why"))
    here.put(1, stopped)
    here.ports.rows.save(1, AccountRow(unknown.account_id), unknown, {}, Deadline())

    assert here.reader().listing(BOTH, "", 10).rows == [stopped]
    assert here.reader().accounts([stopped.account_id, unknown.account_id]) == {stopped.account_id: stopped}


def test_page_goes_on_where_the_last_account_has_gone() -> None:
    here = ReadTable()
    here.name(control(1))
    rows = in_shard(3, 4)
    here.put(1, *rows)
    first = here.reader().listing(BOTH, "", 2)
    here.put(1, replace(rows[1], gate=replace(rows[1].gate, version=2), kept=row("", 2, status="closed").kept))

    second = here.reader().listing(BOTH, "", 2, first.cursor)

    assert ids(first) + ids(second) == [each.account_id for each in rows]


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_limit_has_bounds(limit: int) -> None:
    here = ReadTable()
    here.name(control(1))

    with pytest.raises(ValueError, match="from 1 to 100"):
        here.reader().listing(BOTH, "", limit)


A = "EUR#11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("cursor", "prefix"),
    [
        (Cursor(1, "frozen", 0, A), ""),
        (Cursor(1, "closed", 0, A), ""),
        (Cursor(1, "open", -1, A), ""),
        (Cursor(1, "open", 16, A), ""),
        (Cursor(1, "open", 0, ""), ""),
        (Cursor(1, "open", 0, A), "USD"),
        (Cursor(1, "open", 0, A), "F"),
        (Cursor(1, "open", 0, A), "D"),
        (Cursor(1, "open", 0, "EUR\U0010ffff~"), "EUR"),
        (Cursor(1, "open", 0, "\U0010ffff~"), ""),
        (Cursor(1, "open", 0, "é" * 513), ""),
        (Cursor(1, "open", 0, "\ud800"), ""),
    ],
)
def test_cursor_of_another_listing_is_refused_before_anything_is_asked(cursor: Cursor, prefix: str) -> None:
    reader = ReadTable().reader(object())

    with pytest.raises(CursorError):
        reader.listing(("open",), prefix, 10, cursor)


@pytest.mark.parametrize("after", ["\x00", "E", "EUR", "EUR#", "EUR#~", "é" * 512, "\U0010fffe"])
def test_any_other_text_is_a_place(new_table: NewPorts, after: str) -> None:
    here = ReadTable(new_table)
    here.name(control(1))
    rows = in_shard(0, 2)
    here.put(1, *rows)

    page = here.reader().listing(("open",), "", 10, Cursor(1, "open", 0, after))

    assert ids(page) == [each.account_id for each in rows if f"EUR#{each.account_id}" > after]
