"""One batch: published, parked or reported as incomplete."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.packing import Limits
from lambdas.publishing.parking import ParkingPlace
from lambdas.publishing.publisher import Published, Publisher
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import ACCOUNT, account_id, chained, credited, stream_record, stream_records
from tests.support.publishing import FakeBucket, FakeKinesis


def publish(
    kinesis: FakeKinesis, bucket: FakeBucket, records: list[dict[str, Any]], parking: Deadline | None = None
) -> Published:
    sender = KinesisSender(kinesis, stream="s", backoff=Backoff(sleep=lambda _: None), limits=kinesis.limits)
    publisher = Publisher(sender, ParkingPlace(lambda: bucket, bucket="parking"))
    return publisher.publish(records, Deadline(), parking or Deadline())


def test_a_batch_is_published() -> None:
    kinesis, bucket = FakeKinesis(), FakeBucket()
    published = publish(kinesis, bucket, stream_records([credited(2), credited(1), credited(1, account_id(2))]))
    assert published.complete
    assert published.sent.events == 3
    assert dict(kinesis.arrived)[ACCOUNT].count(b"\n") == 2
    assert bucket.objects == {}


def test_an_empty_batch_is_published() -> None:
    assert publish(FakeKinesis(), FakeBucket(), []).complete


def test_what_cannot_be_published_is_parked_whole_as_an_event_to_invoke_with() -> None:
    kinesis, bucket = FakeKinesis(), FakeBucket()
    records = stream_records(chained([credited(1), replace(credited(2), type="BalanceGuessed"), credited(3)]))
    broken = records[1]
    published = publish(kinesis, bucket, records)
    assert published.complete
    key = f"publisher/{ACCOUNT}/2.json"
    assert [each.key for each in published.parked] == [key]
    reason = f"{ACCOUNT}/2: no event BalanceGuessed of schema 1 is registered"
    assert json.loads(bucket.objects[key]) == {"Records": [broken], "reason": reason}
    assert [json.loads(line)["streamversion"] for line in kinesis.lines()] == [1, 3]


def test_a_domain_event_that_fits_no_record_is_parked_and_the_account_goes_on() -> None:
    text = '{"amount":1,"currency":"EUR","reference":"' + "x" * 64 + '"}'
    kinesis, bucket = FakeKinesis(limits=Limits(record_bytes=600)), FakeBucket()
    rows = [credited(1), replace(credited(2), data=text), credited(3)]
    rows = chained(replace(each, data='{"amount":1,"currency":"EUR"}') if each.version != 2 else each for each in rows)
    published = publish(kinesis, bucket, stream_records(rows))
    assert published.complete
    assert [each.what.name for each in published.parked] == [f"{ACCOUNT}/2"]
    assert "does not fit a record of 600" in published.parked[0].what.reason
    assert [json.loads(line)["streamversion"] for line in kinesis.lines()] == [1, 3]
    assert json.loads(bucket.objects[f"publisher/{ACCOUNT}/2.json"])["Records"] == [stream_record(rows[1])]


def test_an_account_of_nothing_but_oversized_events_is_parked_without_a_call() -> None:
    kinesis = FakeKinesis(limits=Limits(record_bytes=100))
    published = publish(kinesis, FakeBucket(), stream_records([credited(1)]))
    assert published.complete
    assert kinesis.calls == []


def test_a_batch_is_incomplete_while_something_cannot_be_parked() -> None:
    kinesis, bucket = FakeKinesis(), FakeBucket(trouble=1.0)
    broken = stream_record(replace(credited(2), schema=9))
    published = publish(kinesis, bucket, [broken, stream_record(credited(1))])
    assert not published.complete
    assert published.parked[0].key is None
    assert "SlowDown" in published.parked[0].failure
    assert published.sent.events == 1


def test_parking_goes_on_after_one_that_failed() -> None:
    bucket = FakeBucket()
    put, calls = bucket.put_object, []

    def fail_first(**kwargs: Any) -> Any:
        calls.append(kwargs["Key"])
        bucket.trouble = 1.0 if len(calls) == 1 else 0.0
        return put(**kwargs)

    bucket.put_object = fail_first  # type: ignore[method-assign]
    published = publish(FakeKinesis(), bucket, stream_records([replace(credited(n), schema=9) for n in (1, 2)]))
    assert [each.key is None for each in published.parked] == [True, False]
    assert not published.complete


def test_parking_ends_in_time_and_what_is_left_is_told() -> None:
    bucket, time = FakeBucket(), SimulatedTime()
    put = bucket.put_object

    def slow(**kwargs: Any) -> Any:
        time.sleep(1.0)
        return put(**kwargs)

    bucket.put_object = slow  # type: ignore[method-assign]
    broken = stream_records([replace(credited(n), schema=9) for n in range(1, 101)])
    published = publish(FakeKinesis(), bucket, broken, Deadline(10.0, time.monotonic))
    assert len(bucket.objects) == 7
    assert [each.failure for each in published.parked if each.key is None] == ["no time is left"] * 93
    assert time.monotonic() <= 10.0
    assert not published.complete


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_tampering_is_told_and_a_batch_with_it_is_complete(change: str) -> None:
    kinesis = FakeKinesis()
    published = publish(kinesis, FakeBucket(), [stream_record(credited(1), change), stream_record(credited(2))])
    assert published.complete
    assert [each.version for each in published.tamperings] == ["1"]
    assert [json.loads(line)["streamversion"] for line in kinesis.lines()] == [2]
