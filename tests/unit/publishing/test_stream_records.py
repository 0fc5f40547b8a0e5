"""Reading a batch: accounts, order, what is parked and what was tampered with."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.publishing.chain_check import ChainCheck
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.parking import ParkingPlace
from lambdas.publishing.publisher import Publisher
from lambdas.publishing.stream_records import UNREADABLE, Batch, Tampering, read_batch, row_of
from tests.support.event_rows import ACCOUNT, account_id, credited, stream_record, stream_records
from tests.support.publishing import FakeBucket, FakeKinesis


def read(records: list[dict[str, Any]]) -> Batch:
    """As a container reads its first batch."""
    return read_batch(records, ChainCheck())


def changed(**image: Any) -> dict[str, Any]:
    """A record of version 7 with some attributes changed; None takes one away."""
    record = stream_record(credited(7))
    attributes = {**record["dynamodb"]["NewImage"], **image}
    record["dynamodb"]["NewImage"] = {name: value for name, value in attributes.items() if value is not None}
    return record


def test_a_record_holds_the_row() -> None:
    assert row_of(stream_record(credited(7))) == credited(7)


def test_lines_stand_by_account_and_version_each_once() -> None:
    rows = [credited(version, account_id(account)) for account in (1, 2) for version in (8, 9, 10, 11)]
    shuffled = [rows[place] for place in (3, 5, 0, 2, 7, 1, 0, 6, 4)]
    batch = read(stream_records(shuffled))
    assert {account: [line.version for line in lines] for account, lines in batch.lines.items()} == {
        account_id(1): [8, 9, 10, 11],
        account_id(2): [8, 9, 10, 11],
    }
    assert batch.lines[account_id(1)][0].text == encode_domain_event(domain_event(rows[0])) + b"\n"
    assert not batch.unpublishable
    assert not batch.tamperings


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_a_changed_or_removed_row_is_never_published(change: str) -> None:
    record = stream_record(credited(7), change)
    if change == "REMOVE":
        del record["dynamodb"]["NewImage"]
    batch = read([record])
    assert batch.tamperings == [Tampering(ACCOUNT, "7", change)]
    assert not batch.lines
    assert not batch.unpublishable


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown type": (changed(type={"S": "BalanceGuessed"}), "no event BalanceGuessed of schema 1"),
    "unknown schema": (changed(schema={"N": "2"}), "no event BalanceCredited of schema 2"),
    "no data": (changed(data=None), "no attribute data"),
    "data of another type": (changed(data={"N": "1"}), "unexpected attribute or type: data"),
    "data that does not fit": (changed(data={"S": "{}"}), "missing required field"),
    "an attribute more": (changed(extra={"S": "x"}), "unexpected attribute or type: extra"),
    "a fraction": (changed(schema={"N": "1.5"}), "not a whole number"),
    "a hash that is no base64": (changed(hash={"B": "!"}), "Error"),
    "a hash that is no text": (changed(hash={"B": None}), "TypeError"),
    "a value that is none": (changed(data="text"), "unexpected attribute or type: data"),
}


@pytest.mark.parametrize(("record", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_row_is_named_with_its_reason_and_stops_no_other(record: dict[str, Any], reason: str) -> None:
    others = [credited(5), credited(9), credited(1, account_id(2))]
    batch = read([record, *stream_records(others)])
    assert [line.version for line in batch.lines[ACCOUNT]] == [5, 9]
    assert [line.version for line in batch.lines[account_id(2)]] == [1]
    (parked,) = batch.unpublishable
    assert parked.name == f"{ACCOUNT}/7"
    assert reason in parked.reason
    assert parked.record == record


def unreadable() -> list[Any]:
    """Records that do not even say which row they are about."""
    whole = stream_record(credited(7))
    no_keys, no_change, odd_keys = deepcopy(whole), deepcopy(whole), deepcopy(whole)
    del no_keys["dynamodb"]["Keys"], no_keys["dynamodb"]["NewImage"]["stream_id"]
    del no_change["dynamodb"]
    odd_keys["dynamodb"]["Keys"]["version"] = "7"
    odd_keys["dynamodb"]["NewImage"] = None
    return [no_keys, no_change, odd_keys, {}, {"eventName": "INSERT", "dynamodb": []}, 5]


@pytest.mark.parametrize("record", unreadable(), ids=lambda record: json.dumps(record)[:40])
def test_a_record_without_keys_is_parked_by_its_content(record: dict[str, Any]) -> None:
    (parked,) = read([record]).unpublishable
    (again,) = read([deepcopy(record)]).unpublishable
    assert parked.name.startswith(f"{UNREADABLE}/")
    assert parked.name == again.name
    assert parked.record == record


HALF = "\ud800"
"""Half a surrogate pair: the function's runtime reads it from JSON, and no text holds it."""


def nameless(key: str, kind: str) -> dict[str, Any]:
    """A record one of whose keys is no text."""
    record = changed(**{key: {kind: HALF}})
    record["dynamodb"]["Keys"] = record["dynamodb"]["Keys"] | {key: {kind: HALF}}
    return record


@pytest.mark.parametrize(
    "record",
    [
        *[
            changed(**{name: {"S": HALF}})
            for name in ("stream_id", "commit_id", "type", "data", "metadata", "recorded_at")
        ],
        changed(**{HALF: {"S": "x"}}),
        changed(commit_id={"S": 10**30}),
        changed(schema={"N": HALF}),
        nameless("stream_id", "S"),
        nameless("version", "N"),
        stream_record(credited(7)) | {HALF: HALF},
    ],
    ids=ascii,
)
def test_a_record_with_what_is_no_text_is_parked_whole_and_stops_no_other(record: dict[str, Any]) -> None:
    sender = KinesisSender(kinesis := FakeKinesis(), stream="s")
    bucket = FakeBucket()
    publisher = Publisher(sender, ParkingPlace(lambda: bucket, bucket="parking"))
    published = publisher.publish([record, stream_record(credited(1, account_id(2)))], Deadline(), Deadline())
    assert published.complete
    assert kinesis.lines()
    for parked in published.parked:
        assert parked.key is not None
        parked.key.encode()
        parked.what.reason.encode()
    assert [json.loads(body)["Records"] for body in bucket.objects.values()] == ([[record]] if published.parked else [])


def test_unreadable_records_do_not_replace_each_other() -> None:
    batch = read(unreadable())
    assert len({parked.name for parked in batch.unpublishable}) == len(unreadable())


@pytest.mark.parametrize("change", [None, "", "TRUNCATE", 7, []])
def test_an_unknown_change_is_parked_not_published(change: Any) -> None:
    record = {**stream_record(credited(7)), "eventName": change}
    batch = read([record])
    assert not batch.lines
    assert batch.unpublishable[0].name == f"{ACCOUNT}/7"


def test_a_record_without_its_new_image_is_parked() -> None:
    record = stream_record(credited(7))
    del record["dynamodb"]["NewImage"]
    assert read([record]).unpublishable[0].name == f"{ACCOUNT}/7"


@pytest.mark.parametrize("keys", [credited(8), credited(7, account_id(2))], ids=["version", "account"])
def test_a_record_about_another_row_than_its_own_is_parked(keys: EventRow) -> None:
    record = stream_record(credited(7))
    record["dynamodb"]["Keys"] = stream_record(keys)["dynamodb"]["Keys"]
    batch = read([record])
    assert not batch.lines
    assert "its keys are not those of its row" in batch.unpublishable[0].reason


@pytest.mark.parametrize("stream_id", ["../../etc", "a/b", "ü \n", "x" * 2000])
def test_names_are_safe_and_short_whatever_the_stream_is_called(stream_id: str) -> None:
    record = stream_record(credited(7, stream_id))
    name = read([record]).unpublishable[0].name
    stream, _, version = name.partition("/")
    assert version == "7"
    assert "/" not in stream
    assert name.isascii()
    assert len(name) < 900
