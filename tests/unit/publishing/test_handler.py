"""The deployed function: what it counts, what it logs, and when it raises."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.session import Session
from botocore.stub import ANY, Stubber
from msgspec.structs import replace

from lambdas.composition.publishing import deployed_publisher, kinesis_client, s3_client
from lambdas.composition.settings import PublisherSettings, SettingsError
from lambdas.contracts.domain_events import NotPublishableError, domain_event, encode_domain_event
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.publishing import stream_records as stream_records_module
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.parking import ParkingPlace
from lambdas.publishing.publisher import Publisher
from tests.support.event_rows import ACCOUNT, account_id, chained, credited, stream_record, stream_records
from tests.support.fake_dynamodb import client_error
from tests.support.function_modules import forgotten
from tests.support.function_variables import PUBLISHER
from tests.support.lambda_context import Context
from tests.support.publishing import FakeBucket, FakeKinesis

OTHER = account_id(2)
REPOSITORY = Path(__file__).parents[3]
MODULE = "lambdas.handlers.event_publisher"


class Function:
    """The handler's module over a fake Kinesis and a fake bucket."""

    def __init__(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kinesis, self.bucket = FakeKinesis(), FakeBucket()
        sender = KinesisSender(self.kinesis, stream="domain-events", backoff=Backoff(sleep=lambda _: None))
        monkeypatch.setattr(
            module, "_publisher", Publisher(sender, ParkingPlace(lambda: self.bucket, bucket="parking"))
        )
        self.incomplete: type[Exception] = module.PublishingIncompleteError
        self._module = module

    def __call__(self, records: list[dict[str, Any]], milliseconds: int = 60_000) -> None:
        assert self._module.handler({"Records": records}, Context(milliseconds)) is None


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of the deployed function; its module is imported anew."""
    return forgotten(monkeypatch, MODULE, PUBLISHER)


@pytest.fixture
def function(environ: pytest.MonkeyPatch) -> Function:
    """A function that was just started."""
    return Function(importlib.import_module(MODULE), environ)


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Every metric that was written, by name, and its dimensions."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = [line for line in lines if "EventsPublished" in line]
    return dict(metrics)


def logged(caplog: pytest.LogCaptureFixture, level: str = "ERROR") -> list[dict[str, Any]]:
    """The attributes of every log line of a level."""
    return [vars(record) for record in caplog.records if record.levelname == level]


def test_it_publishes_and_counts(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function(stream_records([credited(1), credited(2)]))
    metrics, logs = counted(capsys), logged(caplog)
    assert metrics["EventsPublished"] == [2.0]
    assert metrics["RowsParked"] == [0.0]
    assert metrics["EventTableTampered"] == [0.0]
    assert (metrics["service"], metrics["environment"]) == ("daybook", "test")
    assert logs == []
    assert len(function.kinesis.lines()) == 2


def test_it_names_each_event_beside_its_correlation_id_in_few_lines_and_nothing_else_of_it(
    function: Function, caplog: pytest.LogCaptureFixture
) -> None:
    plain = [credited(version) for version in range(1, 250)]
    rows = [replace(row, metadata=row.metadata.replace("order-17", f"order-{row.version}")) for row in plain]
    function(stream_records(chained(rows)))
    lines = logged(caplog, "INFO")
    assert [len(each["events"]) for each in lines] == [100, 100, 49]
    named = [pair for each in lines for pair in zip(each["events"], each["correlation_id"], strict=True)]
    assert named == [(f"{ACCOUNT}/{version}", f"order-{version}") for version in range(1, 250)]
    assert not {"data", "amount", "metadata"} & set().union(*lines)


def test_it_does_not_name_an_event_that_kinesis_has_not_acknowledged(
    function: Function, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = function.kinesis.answer

    def refusing(_: Sequence[bool], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return answer([each["PartitionKey"] == OTHER for each in records], records)

    monkeypatch.setattr(function.kinesis, "answer", refusing)
    with pytest.raises(function.incomplete):
        function(stream_records([credited(1), credited(1, OTHER)]))
    assert [list(each["events"]) for each in logged(caplog, "INFO")] == [[f"{OTHER}/1"]]


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_tampering_raises_the_alarm_and_nothing_else(
    function: Function, change: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function([stream_record(credited(7), change)])
    metrics, (log,) = counted(capsys), logged(caplog)
    assert metrics["EventTableTampered"] == [1.0]
    assert (log["levelname"], log["stream_id"], log["version"], log["change"]) == ("ERROR", ACCOUNT, "7", change)
    assert function.kinesis.arrived == []


def test_a_parked_row_is_counted_and_named(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function(stream_records([replace(credited(7), type="BalanceGuessed"), credited(8)]))
    metrics, (log,) = counted(capsys), logged(caplog)
    assert (metrics["RowsParked"], metrics["EventsPublished"]) == ([1.0], [1.0])
    assert (log["levelname"], log["stream_id"], log["version"]) == ("ERROR", ACCOUNT, "7")
    assert log["object"] == f"publisher/{ACCOUNT}/7.json"
    assert "BalanceGuessed" in log["reason"]


def test_it_raises_when_a_row_cannot_be_parked(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function.bucket.trouble = 1.0
    with pytest.raises(function.incomplete, match=r"0 accounts .* 1 records are not parked"):
        function(stream_records([replace(credited(7), schema=2), credited(8)]))
    metrics, (log,) = counted(capsys), logged(caplog)
    assert (metrics["RowsParked"], metrics["EventsPublished"]) == ([0.0], [1.0])
    assert "SlowDown" in log["failure"]


def test_it_raises_when_kinesis_stays_away(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def down(**_: Any) -> Any:
        raise client_error("InternalFailure", "PutRecords", status=500)

    function.kinesis.put_records = down  # type: ignore[method-assign]
    with pytest.raises(function.incomplete, match="1 accounts are not fully published"):
        function(stream_records([credited(7), replace(credited(8), schema=2)]))
    metrics, logs = counted(capsys), logged(caplog)
    assert (metrics["EventsPublished"], metrics["RowsParked"]) == ([0.0], [1.0])
    assert logs[-1]["accounts"] == [ACCOUNT]
    assert "InternalFailure" in logs[-1]["reason"]


def test_what_kinesis_answers_of_refused_records_is_the_reason_in_the_log(
    function: Function, caplog: pytest.LogCaptureFixture
) -> None:
    kinesis = function.kinesis

    def refuse(**request: Any) -> dict[str, Any]:
        return kinesis.answer([each["PartitionKey"] == OTHER for each in request["Records"]], request["Records"])

    kinesis.put_records = refuse  # type: ignore[method-assign]
    with pytest.raises(function.incomplete, match="1 accounts are not fully published"):
        function(stream_records([credited(7), credited(1, OTHER)]))
    (log,) = logged(caplog)
    assert log["accounts"] == [ACCOUNT]
    assert log["reason"] == "ProvisionedThroughputExceededException: slow down"


def test_it_sends_nothing_when_the_function_has_no_time_left(function: Function) -> None:
    with pytest.raises(function.incomplete):
        function(stream_records([credited(7)]), milliseconds=6_000)
    assert function.kinesis.calls == []


def test_a_row_is_parked_after_the_time_for_kinesis_is_over(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    function([stream_record(replace(credited(7), schema=2))], milliseconds=6_000)
    assert counted(capsys)["RowsParked"] == [1.0]


def test_it_parks_nothing_more_in_the_time_for_logs_and_metrics(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(function.incomplete, match="300 records are not parked"):
        function(stream_records([replace(credited(n), schema=2) for n in range(1, 301)]), milliseconds=5_000)
    assert function.bucket.objects == {}
    assert counted(capsys)["RowsParked"] == [0.0]
    assert {log["failure"] for log in logged(caplog)} == {"no time is left"}


def test_a_parked_object_is_an_event_for_the_function_once_it_knows_the_row(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: object) -> Any:
        raise NotPublishableError("no event BalanceCredited of schema 1 is registered")

    with monkeypatch.context() as before:
        before.setattr(stream_records_module, "domain_event", unknown)
        function(stream_records([credited(7)]))
    (parked,) = function.bucket.objects.values()
    function(json.loads(parked)["Records"])
    assert [json.loads(line)["streamversion"] for line in function.kinesis.lines()] == [7]


def test_a_forged_row_raises_the_alarm_of_tampering_and_is_parked_beside_the_genuine_one(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    forged = replace(credited(7), data='{"amount":1000000,"currency":"EUR"}')
    function(stream_records([credited(6), forged, credited(8)]))
    metrics, (log,) = counted(capsys), logged(caplog)
    assert (metrics["EventTableTampered"], metrics["RowsParked"]) == ([1.0], [1.0])
    assert metrics["EventsPublished"] == [2.0]
    assert (log["levelname"], log["stream_id"], log["version"]) == ("ERROR", ACCOUNT, "7")
    assert "does not follow from version 6" in log["reason"]
    assert log["object"].startswith(f"publisher/{ACCOUNT}/7.tampered-")
    assert [json.loads(line)["streamversion"] for line in function.kinesis.lines()] == [6, 8]
    function(stream_records([credited(7)]))
    assert [json.loads(line)["streamversion"] for line in function.kinesis.lines()] == [6, 8, 7]


@pytest.mark.parametrize("name", ["DOMAIN_EVENT_STREAM", "PARKING_BUCKET", "ENVIRONMENT"])
def test_a_missing_variable_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(SettingsError, match=name):
        importlib.import_module(MODULE)


def test_the_handler_imports_nothing_heavy() -> None:
    show = f"import sys, {MODULE}; print(*sys.modules, sep='\\n')"
    started = subprocess.run(
        [sys.executable, "-c", show], env=PUBLISHER, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert MODULE in started.stdout.split()
    unwanted = {"boto3", "s3transfer", "lambdas.contracts.lake", "lambdas.contracts.components"}
    assert set(started.stdout.split()) & unwanted == set()


@pytest.mark.usefixtures("environ")
def test_the_client_that_parks_is_made_when_something_is_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = Session.create_client

    def watched(session: Session, name: str, **options: Any) -> Any:
        made.append(name)
        return create(session, name, **options)

    monkeypatch.setattr(Session, "create_client", watched)
    deployed_publisher(PublisherSettings("domain-events", "parking", "test"))
    assert made == ["kinesis"]


@pytest.mark.usefixtures("environ")
def test_the_service_takes_the_requests_and_its_answers_are_read() -> None:
    """botocore checks requests and answers against the service's own description."""
    kinesis, s3 = kinesis_client(), s3_client()
    refused = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
    accepted = {"SequenceNumber": "49", "ShardId": "shardId-000000000000"}
    row, unknown = chained([credited(1), replace(credited(2), schema=2)])
    data = encode_domain_event(domain_event(row)) + b"\n"
    request = {"StreamName": "domain-events", "Records": [{"Data": data, "PartitionKey": ACCOUNT}]}
    broken = stream_record(unknown)
    with Stubber(kinesis) as streams, Stubber(s3) as buckets:
        streams.add_response("put_records", {"FailedRecordCount": 1, "Records": [refused]}, request)
        streams.add_client_error("put_records", "LimitExceededException", expected_params=request)
        streams.add_response("put_records", {"Records": [accepted]}, request)
        buckets.add_response("put_object", {}, {
            "Bucket": "parking", "Key": f"publisher/{ACCOUNT}/2.json", "Body": ANY, "ContentType": "application/json",
        })  # fmt: skip
        sender = KinesisSender(kinesis, stream="domain-events", backoff=Backoff(sleep=lambda _: None))
        publisher = Publisher(sender, ParkingPlace(lambda: s3, bucket="parking"))
        published = publisher.publish([stream_record(row), broken], Deadline(), Deadline())
        assert published.complete
        assert published.sent.calls == 3
        streams.assert_no_pending_responses()
        buckets.assert_no_pending_responses()


@pytest.mark.usefixtures("environ")
def test_the_clients_are_bounded() -> None:
    kinesis, s3 = kinesis_client(), s3_client()
    assert kinesis.meta.config.retries["total_max_attempts"] == 1
    assert s3.meta.config.retries["total_max_attempts"] == 1
    for client in (kinesis, s3):
        assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (1, 2)
    assert callable(kinesis.put_records)
    assert callable(s3.put_object)
