"""What a projector takes out of a batch of the stream."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from lambdas.contracts.domain_events import decode_domain_event
from lambdas.contracts.ledger_events import decode_published
from lambdas.projections.folding.taken import UnreadableEvent
from lambdas.projections.stream.deliveries import Reached, read_deliveries
from tests.support.event_rows import ACCOUNT, account_id, credited
from tests.support.kinesis_events import SHARD, kinesis_record, line, restored, unreadable

OTHER = account_id(2)


def test_the_lines_of_all_records_by_account_in_order_of_arrival() -> None:
    lines = [line(credited(version)) for version in (1, 2, 3)]
    other = line(credited(1, OTHER))
    read = read_deliveries([kinesis_record([lines[2], lines[0]]), kinesis_record([other]), kinesis_record([lines[1]])])
    assert read.accounts == {
        ACCOUNT: [decode_domain_event(lines[place]) for place in (2, 0, 1)],
        OTHER: [decode_domain_event(other)],
    }
    assert (read.unattributable, read.ignored) == ([], 0)


def test_the_last_line_may_lack_its_end_and_a_record_may_be_empty() -> None:
    record, text = kinesis_record([]), line(credited(1))
    record["kinesis"]["data"] = b64encode(text).decode()
    read = read_deliveries([record, kinesis_record([], 2)])
    assert read.accounts == {ACCOUNT: [decode_domain_event(text)]}
    assert read.unattributable == []


def test_a_restore_goes_to_its_account() -> None:
    assert read_deliveries([kinesis_record([restored()])]).accounts == {ACCOUNT: [decode_published(restored())]}


def test_an_event_of_unknown_type_is_handed_on_with_its_place_and_why() -> None:
    row = credited(2)
    (taken,) = read_deliveries([kinesis_record([unreadable(row)])]).accounts[ACCOUNT]
    assert isinstance(taken, UnreadableEvent)
    assert (taken.account_id, taken.streamversion, taken.recordedtime) == (ACCOUNT, 2, row.recorded_at)
    assert taken.rowhash == decode_domain_event(line(row)).rowhash
    assert "BalanceGuessed" in taken.reason


@pytest.mark.parametrize(
    "changed",
    [
        {"data": {"amount": "987654321", "currency": "EUR"}},
        {"data": {"amount": 987_654_321}},
        {"data": {"amount": -987_654_321, "currency": "EUR"}},
        {"data": {"amount": 987_654_321, "currency": "euro"}},
        {"time": "yesterday"},
    ],
    ids=str,
)
def test_data_that_does_not_decode_stops_its_account_and_the_reason_tells_no_amount(changed: dict[str, Any]) -> None:
    (taken,) = read_deliveries([kinesis_record([line(credited(2), **changed)])]).accounts[ACCOUNT]
    assert isinstance(taken, UnreadableEvent)
    assert taken.reason
    assert "987654321" not in taken.reason


@pytest.mark.parametrize(
    "ignored",
    [
        line(credited(1), source="/elsewhere"),
        line(credited(1), source="/daybook/ledger", type="daybook.ledger.Moved.v1"),
        b'{"source":"/daybook/cards","type":"daybook.card.Blocked.v1","more":[1]}',
    ],
)
def test_what_is_of_an_unknown_source_is_ignored_and_counted(ignored: bytes) -> None:
    read = read_deliveries([kinesis_record([ignored, line(credited(1)), ignored])])
    assert list(read.accounts) == [ACCOUNT]
    assert (read.ignored, read.unattributable) == (2, [])


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 5000,
        b"null",
        line(credited(1), subject="somebody"),
        line(credited(1), streamversion=None),
        line(credited(1), streamversion=0),
        line(credited(1), rowhash=None),
        line(credited(1), recordedtime="yesterday"),
        line(credited(1), source=None),
        restored().replace(b"last_good_version", b"last_bad_version"),
        restored().replace(b"Restored.v1", b"Restored.v2"),
    ],
)
def test_a_line_that_names_no_account_is_kept_apart_with_its_place_and_the_others_are_read(poison: bytes) -> None:
    before, after = kinesis_record([line(credited(1))], 4), kinesis_record([line(credited(3))], 6)
    read = read_deliveries([before, kinesis_record([line(credited(2)), poison, line(credited(1, OTHER))], 5), after])
    assert [each.streamversion for each in read.accounts[ACCOUNT] if hasattr(each, "streamversion")] == [1, 2, 3]
    assert list(read.accounts) == [ACCOUNT, OTHER]
    (found,) = read.unattributable
    assert found.sequence_number == "5"
    assert found.reason


@pytest.mark.parametrize("data", ["?", None, 7, "e30"], ids=str)
def test_a_record_without_data_is_no_record(data: Any) -> None:
    broken = kinesis_record([], 5)
    broken["kinesis"]["data"] = data
    read = read_deliveries([broken, kinesis_record([line(credited(1))], 6)])
    assert list(read.accounts) == [ACCOUNT]
    assert [each.sequence_number for each in read.unattributable] == ["5"]


def test_how_far_the_batch_goes_in_each_shard() -> None:
    other = "shardId-000000000001"
    late, early = credited(9), credited(1, OTHER)
    read = read_deliveries(
        [
            kinesis_record([line(late, recordedtime="2026-03-01T10:00:00.000Z")], 3),
            kinesis_record([line(early)], 4, shard=other),
            kinesis_record([line(early)], 11),
        ]
    )
    assert read.shards == {
        SHARD: Reached("11", "2026-03-01T10:00:00.000Z"),
        other: Reached("4", early.recorded_at),
    }


@pytest.mark.parametrize("name", [None, "", "1", "shardId-000000000000:", ":7", "shardId-000000000000:x"], ids=str)
def test_a_record_that_does_not_say_where_it_stands_moves_no_position(name: Any) -> None:
    record = kinesis_record([line(credited(1))])
    record["eventID"] = name
    read = read_deliveries([record])
    assert read.shards == {}
    assert list(read.accounts) == [ACCOUNT]
