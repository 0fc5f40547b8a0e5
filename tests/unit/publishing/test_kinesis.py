"""Packing and sending: full calls, order, bounded patience, nothing skipped."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.publishing.chain_check import ChainCheck
from lambdas.publishing.kinesis import MAX_FRUITLESS_PASSES, KinesisSender, Sent
from lambdas.publishing.packing import Limits, Queue, fits, pack
from lambdas.publishing.stream_records import Line, read_batch
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import ACCOUNT, account_id, credited, stream_records
from tests.support.fake_dynamodb import client_error
from tests.support.publishing import FakeKinesis

Records = Sequence[Mapping[str, Any]]


def line(version: int, size: int) -> Line:
    return Line(version, b"x" * (size - 1) + b"\n", {})


def queues(accounts: int, versions: int, limits: Limits | None = None) -> list[Queue]:
    rows = [credited(version, account_id(n)) for n in range(accounts) for version in range(1, versions + 1)]
    return [
        pack(account, lines, limits or Limits())
        for account, lines in read_batch(stream_records(rows), ChainCheck()).lines.items()
    ]


class Scripted(FakeKinesis):
    """Lets a test decide for each call which records are accepted, or raise."""

    def __init__(self, accept: Callable[[int, Records], Sequence[bool]], limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        self._accept = accept

    def put_records(self, **request: Any) -> dict[str, Any]:
        assert request["StreamName"] == "domain-events"
        records = self.check(request)
        self.calls.append(len(records))
        return self.answer(self._accept(len(self.calls), records), records)


class Sending:
    """A sender on simulated time; the pauses it made."""

    def __init__(self, client: FakeKinesis) -> None:
        self.client, self.time = client, SimulatedTime()
        self.pauses: list[float] = []
        backoff = Backoff(sleep=self.pause, uniform=lambda _low, high: high)
        self.sender = KinesisSender(client, stream="domain-events", backoff=backoff, limits=client.limits)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time.sleep(seconds)

    def send(self, queues: Sequence[Queue], seconds: float = 60.0) -> Sent:
        return self.sender.send(queues, Deadline(seconds, self.time.monotonic))


def test_an_account_s_lines_share_a_record_up_to_its_limit() -> None:
    key = len(ACCOUNT)
    queue = pack(ACCOUNT, [line(n, 100) for n in range(1, 8)], Limits(record_bytes=key + 300))
    assert [(record.events, record.size) for record in queue.records] == [
        (3, key + 300),
        (3, key + 300),
        (1, key + 100),
    ]
    assert all(len(record.data) + key == record.size for record in queue.records)


def test_a_line_fits_a_record_with_its_key_or_not_at_all() -> None:
    limits = Limits()
    most = 1024 * 1024 - len(ACCOUNT)
    assert fits(ACCOUNT, line(1, most), limits)
    assert not fits(ACCOUNT, line(1, most + 1), limits)


def test_calls_are_full_when_enough_accounts_wait() -> None:
    sending = Sending(FakeKinesis())
    sent = sending.send(queues(1200, 1))
    assert sending.client.calls == [500, 500, 200]
    assert (sent.events, sent.calls, sent.records, sent.unsent) == (1200, 3, 1200, [])
    assert sending.pauses == []


def test_a_call_holds_at_most_its_bytes() -> None:
    big = [pack(account_id(n), [line(1, 1_000_000)], Limits()) for n in range(12)]
    sending = Sending(FakeKinesis())
    sending.send(big)
    assert sending.client.calls == [5, 5, 2]


def test_a_hot_account_goes_one_record_a_call_beside_the_others() -> None:
    limits = Limits(record_bytes=1200)
    hot, *others = queues(4, 6, limits)
    sending = Sending(FakeKinesis(limits=limits))
    sending.send([hot, *[Queue(each.account_id, each.records.copy()) for each in others]])
    assert sending.client.calls == [4, 4, 4]


def test_what_failed_in_part_is_sent_again_before_what_follows_it() -> None:
    limits = Limits(record_bytes=600)  # one event a record

    def half(call: int, records: Records) -> list[bool]:
        return [call > 3 or place % 2 == 0 for place in range(len(records))]

    sending = Sending(Scripted(half, limits))
    sent = sending.send(queues(4, 3, limits))
    assert not sent.unsent
    for number in range(4):
        mine = [data for key, data in sending.client.arrived if key == account_id(number)]
        assert [b'"streamversion":%d,' % version in data for version, data in enumerate(mine, start=1)] == [True] * 3


def test_accounts_in_trouble_wait_until_the_others_are_through() -> None:
    limits = Limits(record_bytes=600)
    slow = account_id(0)

    def throttle(call: int, records: Records) -> list[bool]:
        return [each["PartitionKey"] != slow or call > 5 for each in records]

    sending = Sending(Scripted(throttle, limits))
    sent = sending.send(queues(3, 3, limits))
    assert sending.client.calls == [3, 2, 2, 1, 1, 1, 1, 1]
    assert len(sending.pauses) == 3
    assert not sent.unsent


def test_an_outage_ends_in_bounded_patience_and_everything_is_reported() -> None:
    def down(call: int, records: Records) -> list[bool]:
        raise EndpointConnectionError(endpoint_url="https://kinesis")

    sending = Sending(Scripted(down))
    sent = sending.send(queues(3, 2))
    assert sending.client.calls == [3] * MAX_FRUITLESS_PASSES
    assert sending.pauses == sorted(sending.pauses)
    assert 1 < sum(sending.pauses) < 4
    assert sorted(sent.unsent) == [account_id(number) for number in range(3)]
    assert sent.events == 0
    assert "https://kinesis" in sent.failure


def test_an_outage_does_not_lose_the_accounts_of_later_calls() -> None:
    limits = Limits(call_records=2)
    sending = Sending(Scripted(lambda call, records: [call > 3] * len(records), limits))
    sent = sending.send(queues(5, 1, limits))
    assert not sent.unsent
    assert len(sending.client.lines()) == 5


@pytest.mark.parametrize("seconds", [0.0, 3.0, 3.5, 5.0])
def test_time_is_up(seconds: float) -> None:
    limits = Limits(call_records=1)
    sending = Sending(FakeKinesis(limits=limits))
    put = sending.client.put_records

    def slow(**kwargs: Any) -> dict[str, Any]:
        sending.time.sleep(1.0)
        return put(**kwargs)

    sending.client.put_records = slow  # type: ignore[method-assign]
    sent = sending.send(queues(6, 1, limits), seconds)
    done = len(sending.client.arrived)
    assert done < 3
    assert len(sent.unsent) == 6 - done
    assert sent.failure == "no time is left"
    assert len(sending.pauses) <= 1


def test_throttling_of_all_is_waited_out_while_something_moves() -> None:
    limits = Limits(record_bytes=600)
    rng = random.Random(1)
    sending = Sending(Scripted(lambda call, records: [rng.random() < 0.6 for _ in records], limits))
    sent = sending.send(queues(1, 20, limits))
    assert not sent.unsent
    assert len(sending.client.lines()) == 20


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "InternalFailure", "KMSThrottlingException"]
)
def test_a_refused_call_is_repeated(code: str) -> None:
    def refuse_once(call: int, records: Records) -> list[bool]:
        if call == 1:
            raise client_error(code, "PutRecords")
        return [True] * len(records)

    sending = Sending(Scripted(refuse_once))
    assert not sending.send(queues(2, 2)).unsent
    assert sending.client.calls == [2, 2]


@pytest.mark.parametrize(
    "answer", [{}, {"Records": []}, {"Records": [{}, {}]}, {"Records": [{"SequenceNumber": "1"}]}], ids=str
)
def test_an_answer_that_does_not_acknowledge_is_no_acknowledgement(answer: dict[str, Any]) -> None:
    sending = Sending(FakeKinesis())
    sending.client.put_records = lambda **_: answer  # type: ignore[method-assign]
    sent = sending.send(queues(2, 1))
    assert len(sent.unsent) == 2
    assert sent.events == 0
