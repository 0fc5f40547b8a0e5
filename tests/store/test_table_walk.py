"""The walk over the event table: every row once, page by page, from wherever it was left; and what it does in need."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.table_walk import CorruptRow, DynamoDBTableWalk, pages
from tests.support.clocks import SimulatedTime
from tests.support.dynamodb_tables import KEYS, create_tables, moto_client
from tests.support.event_rows import account_id, row
from tests.support.fake_dynamodb import client_error
from tests.support.fake_scan import ScannedDynamoDB
from tests.support.faults import MISHAPS, Effect, Mishap

TABLE = "events"
ROWS = [row(version, stream_id=account_id(number)) for number in range(1, 24) for version in range(1, 1 + number % 7)]


def fake(items: Sequence[Mapping[str, Any]]) -> ScannedDynamoDB:
    client = ScannedDynamoDB({TABLE: KEYS["events"]})
    for item in items:
        client.tables[TABLE].put(dict(item))
    return client


@pytest.fixture(params=["fake", "moto"])
def client_and_table(request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    items = [row_to_item(each) for each in ROWS]
    with ExitStack() as stack:
        if request.param == "fake":
            yield fake(items), TABLE
            return
        client = stack.enter_context(moto_client())
        table = create_tables(client).events
        for item in items:
            client.put_item(TableName=table, Item=item)
        yield client, table


def by_key(rows: Sequence[EventRow | CorruptRow]) -> list[EventRow | CorruptRow]:
    return sorted(rows, key=lambda each: (each.stream_id, each.version))


@pytest.mark.parametrize("segments", [1, 3])
@pytest.mark.parametrize("page_rows", [1, 7, 500])
def test_every_row_comes_once_in_pages_that_are_small(
    client_and_table: tuple[Any, str], segments: int, page_rows: int
) -> None:
    client, table = client_and_table
    walk = DynamoDBTableWalk(client, event_table=table, page_rows=page_rows)
    walked = [page for segment in range(segments) for page in pages(walk, segment, segments)]
    assert by_key([each for page in walked for each in page.rows]) == by_key(ROWS)
    assert max(len(page.rows) for page in walked) <= page_rows
    assert [page.after for page in walked].count("") == segments


def test_a_walk_goes_on_where_another_was_left(client_and_table: tuple[Any, str]) -> None:
    """The continuation is text: it is kept in a table."""
    client, table = client_and_table
    seen, after, begun = [], "", False
    while after or not begun:
        begun = True
        page = DynamoDBTableWalk(client, event_table=table, page_rows=5).page(0, 1, after, Deadline())
        seen += page.rows
        after = str(msgspec.json.decode(msgspec.json.encode(page.after)))
    assert by_key(seen) == by_key(ROWS)


def test_rows_of_one_stream_are_in_one_segment() -> None:
    walk = DynamoDBTableWalk(fake([row_to_item(each) for each in ROWS]), event_table=TABLE, page_rows=2)
    streams = [{each.stream_id for page in pages(walk, segment, 4) for each in page.rows} for segment in range(4)]
    assert sum(map(len, streams)) == len(set().union(*streams)) == len({each.stream_id for each in ROWS})


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("data", None, "no attribute data"),
        ("data", {"N": "1"}, "unexpected attribute or type: data"),
        ("stray", {"S": "x"}, "unexpected attribute or type: stray"),
        ("schema", {"N": "1.5"}, "schema is not a whole number: 1.5"),
    ],
)
def test_a_row_that_is_not_in_the_documented_form_is_told_and_ends_nothing(
    attribute: str, value: Any, reason: str
) -> None:
    items = [row_to_item(each) for each in ROWS]
    bad = items[5]
    if value is None:
        del bad[attribute]
    else:
        bad[attribute] = value
    walk = DynamoDBTableWalk(fake(items), event_table=TABLE, page_rows=4)
    walked = [each for page in pages(walk, 0, 1) for each in page.rows]
    corrupt = [each for each in walked if isinstance(each, CorruptRow)]
    assert len(walked) == len(ROWS)
    assert [(each.stream_id, each.version, each.reason) for each in corrupt] == [
        (ROWS[5].stream_id, ROWS[5].version, reason)
    ]
    assert corrupt[0].recorded_at == ROWS[5].recorded_at
    assert len(corrupt[0].hash) == 44


def test_a_corrupt_row_may_have_neither_hash_nor_time() -> None:
    key = {"stream_id": {"S": "somebody"}, "version": {"N": "3"}}
    (page,) = pages(DynamoDBTableWalk(fake([key]), event_table=TABLE), 0, 1)
    assert page.rows == [CorruptRow("somebody", 3, "no attribute commit_id")]


class Mishappening:
    """A client on which the next scans go wrong as told."""

    def __init__(self, client: ScannedDynamoDB, time: SimulatedTime, mishaps: Sequence[Mishap]) -> None:
        self._client, self._time, self._mishaps = client, time, list(mishaps)
        self.calls = 0

    def scan(self, **request: Any) -> Any:
        self.calls += 1
        if not self._mishaps:
            return self._client.scan(**request)
        mishap = self._mishaps.pop(0)
        self._time.sleep(mishap.seconds)
        if mishap.answer is None:
            return self._client.scan(**request)
        heard = mishap.answer("Scan", request)
        if isinstance(heard, Exception):
            raise heard
        return heard


SCAN_MISHAPS = [each for each in MISHAPS if each.effect is not Effect.LATER and "transaction" not in each.name]


def walk_in_need(mishaps: Sequence[Mishap]) -> tuple[DynamoDBTableWalk, Mishappening, SimulatedTime]:
    time = SimulatedTime()
    client = Mishappening(fake([row_to_item(each) for each in ROWS]), time, mishaps)
    backoff = Backoff(sleep=time.sleep, uniform=random.Random(1).uniform)
    return DynamoDBTableWalk(client, event_table=TABLE, backoff=backoff), client, time


@pytest.mark.parametrize("mishap", SCAN_MISHAPS, ids=lambda each: each.name)
def test_a_scan_is_sent_again_when_that_may_help(mishap: Mishap) -> None:
    walk, client, time = walk_in_need([mishap, mishap])
    page = walk.page(0, 1, "", Deadline(20, time.monotonic))
    assert by_key(page.rows) == by_key(ROWS)
    assert client.calls == (1 if mishap.answer is None else 3)


@pytest.mark.parametrize("mishap", [each for each in SCAN_MISHAPS if each.answer], ids=lambda each: each.name)
def test_retries_are_bounded_in_number_and_in_time(mishap: Mishap) -> None:
    walk, client, time = walk_in_need([mishap] * 100)
    with pytest.raises(ReadUnavailableError):
        walk.page(0, 1, "", Deadline(10, time.monotonic))
    assert time.monotonic() <= 10
    assert 2 <= client.calls <= 8


def test_a_scan_that_is_refused_for_good_is_not_repeated() -> None:
    denied = Mishap("denied", Effect.NEVER, 0.1, lambda operation, _: client_error("AccessDenied", operation))
    walk, client, _ = walk_in_need([denied])
    with pytest.raises(ClientError):
        walk.page(0, 1, "", Deadline())
    assert client.calls == 1


def test_without_time_nothing_is_sent() -> None:
    walk, client, time = walk_in_need([])
    with pytest.raises(ReadUnavailableError):
        walk.page(0, 1, "", Deadline(1, time.monotonic))
    assert client.calls == 0
