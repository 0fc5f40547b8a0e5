"""Filling gaps: the domain events of an account, from the event table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lambdas.contracts import event_reader
from lambdas.contracts.domain_events import NotPublishableError, domain_event
from lambdas.contracts.event_reader import DomainEventReader, open_reader
from lambdas.eventsourcing import row_reader
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.row_reader import MAX_READS_ON_HOLE
from lambdas.eventsourcing.rows import Commit, EventRow
from lambdas.eventsourcing.store import Page
from tests.support.event_rows import ACCOUNT, credited
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.stores import as_is

NO_WAITING = Backoff(sleep=lambda _: None)
ROWS = [credited(version) for version in range(1, 11)]


class HoleyStore(InMemoryEventStore):
    """Hides a version for the first reads, as a Query may while a transaction takes effect."""

    def __init__(self, hidden: int, reads: int) -> None:
        super().__init__()
        self.hidden, self.reads_left = hidden, reads

    def read(self, *args: Any, **kwargs: Any) -> Page:
        page = super().read(*args, **kwargs)
        self.reads_left -= 1
        if self.reads_left < 0:
            return page
        return Page([row for row in page.rows if row.version != self.hidden], more=page.more)


def reader(store: InMemoryEventStore, rows: list[EventRow] = ROWS) -> DomainEventReader:
    store.commit(as_is(Commit("c", tuple(rows))), deadline=Deadline())
    return DomainEventReader(store, backoff=NO_WAITING)


@pytest.mark.parametrize("page", [1, 3, 10, 500])
@pytest.mark.parametrize(("after", "up_to"), [(0, None), (3, 7), (9, None), (0, 1), (10, None), (5, 5), (7, 3)])
def test_it_reads_what_was_published(after: int, up_to: int | None, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_reader, "PAGE_ROWS", page)
    events = list(reader(InMemoryEventStore()).read(ACCOUNT, after=after, up_to=up_to))
    assert events == [domain_event(row) for row in ROWS[after : 10 if up_to is None else up_to]]


def test_an_unknown_account_has_no_events() -> None:
    assert list(reader(InMemoryEventStore()).read("7c9e6679-7425-40de-944b-e07fc1f90ae7")) == []


@pytest.mark.parametrize("hidden", [1, 4, 9])
def test_a_hole_is_read_again_until_it_is_filled(hidden: int) -> None:
    events = list(reader(HoleyStore(hidden, reads=MAX_READS_ON_HOLE - 1)).read(ACCOUNT))
    assert [event.streamversion for event in events] == list(range(1, 11))


def test_a_hole_that_stays_is_an_error_after_the_events_before_it() -> None:
    store = HoleyStore(4, reads=99)
    events = reader(store).read(ACCOUNT)
    assert [next(events).streamversion for _ in range(3)] == [1, 2, 3]
    with pytest.raises(InconsistentReadError, match="no row at version 4"):
        next(events)
    assert store.reads_left == 99 - 1 - MAX_READS_ON_HOLE


@pytest.mark.parametrize("page", [1, 3, 500])
def test_a_hole_at_the_end_of_the_range_is_an_error(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_reader, "PAGE_ROWS", page)
    store = HoleyStore(7, reads=99)
    events = reader(store).read(ACCOUNT, after=4, up_to=7)
    assert [next(events).streamversion for _ in range(2)] == [5, 6]
    with pytest.raises(InconsistentReadError, match="no row at version 7"):
        next(events)


def test_a_range_beyond_the_newest_row_is_an_error() -> None:
    with pytest.raises(InconsistentReadError, match=r"no row at version 11, in several reads in a row$"):
        list(reader(InMemoryEventStore()).read(ACCOUNT, after=4, up_to=99))


def test_a_hole_at_the_end_of_the_range_is_read_again_until_it_is_filled() -> None:
    events = list(reader(HoleyStore(7, reads=MAX_READS_ON_HOLE - 1)).read(ACCOUNT, after=6, up_to=7))
    assert [event.streamversion for event in events] == [7]


def test_a_row_that_cannot_be_published_is_named() -> None:
    rows = [ROWS[0], msgspec.structs.replace(ROWS[1], type="BalanceGuessed")]
    events = reader(InMemoryEventStore(), rows).read(ACCOUNT)
    assert next(events).streamversion == 1
    with pytest.raises(NotPublishableError, match=f"{ACCOUNT}/2: no event BalanceGuessed"):
        next(events)


@pytest.mark.parametrize("page", [1, 3, 500])
def test_all_events_before_a_row_in_no_known_form_are_given(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeDynamoDB({"ledger": (EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY)})
    for row in ROWS:
        item = row_to_item(row)
        fake.put_item(TableName="ledger", Item=item | {"commit_id": {"N": "1"}} if row.version == 6 else item)
    monkeypatch.setattr(event_reader, "dynamodb_client", lambda: fake)
    monkeypatch.setattr(row_reader, "PAGE_ROWS", page)
    events = open_reader("ledger").read(ACCOUNT, after=1, up_to=9)
    assert [next(events).streamversion for _ in range(4)] == [2, 3, 4, 5]
    with pytest.raises(CorruptRowError, match="version 6: unexpected attribute or type: commit_id"):
        next(events)
    assert [event.streamversion for event in open_reader("ledger").read(ACCOUNT, after=6)] == [7, 8, 9, 10]


def test_an_opened_reader_reads_the_named_table(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeDynamoDB({"ledger": (EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY)})
    for row in ROWS:
        fake.put_item(TableName="ledger", Item=row_to_item(row))
    monkeypatch.setattr(event_reader, "dynamodb_client", lambda: fake)
    monkeypatch.setattr(row_reader, "PAGE_ROWS", 3)
    events = list(open_reader("ledger").read(ACCOUNT, after=2, up_to=9))
    assert events == [domain_event(row) for row in ROWS[2:9]]
