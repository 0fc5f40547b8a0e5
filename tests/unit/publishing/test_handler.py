"""The deployed function: what it counts, what it logs, and when it raises."""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.retry import Backoff
from lambdas.publishing.composition import kinesis_client, s3_client
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.parking import ParkingPlace
from lambdas.publishing.publisher import Publisher
from lambdas.service.settings import SettingsError
from tests.support.event_rows import ACCOUNT, credited, stream_record, stream_records
from tests.support.fake_dynamodb import client_error
from tests.support.publishing import FakeBucket, FakeKinesis

MODULE = "lambdas.handlers.event_publisher"
VARIABLES = {
    "DOMAIN_EVENT_STREAM": "domain-events",
    "PARKING_BUCKET": "parking",
    "ENVIRONMENT": "test",
    "POWERTOOLS_SERVICE_NAME": "daybook",
    "POWERTOOLS_METRICS_NAMESPACE": "daybook",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-north-1",
}


class Context:
    """What the handler reads of the Lambda context."""

    function_name = "publisher"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-north-1:000000000000:function:publisher"
    aws_request_id = "request"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class Function:
    """The handler's module over a fake Kinesis and a fake bucket."""

    def __init__(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kinesis, self.bucket = FakeKinesis(), FakeBucket()
        sender = KinesisSender(self.kinesis, stream="domain-events", backoff=Backoff(sleep=lambda _: None))
        monkeypatch.setattr(module, "_publisher", Publisher(sender, ParkingPlace(self.bucket, bucket="parking")))
        self.incomplete: type[Exception] = module.PublishingIncompleteError
        self._module = module

    def __call__(self, records: list[dict[str, Any]], milliseconds: int = 60_000) -> None:
        assert self._module.handler({"Records": records}, Context(milliseconds)) is None


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of the deployed function; its module is imported anew."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return monkeypatch


@pytest.fixture
def function(environ: pytest.MonkeyPatch) -> Function:
    """A function that was just started."""
    return Function(importlib.import_module(MODULE), environ)


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Every metric that was written, by name, and its dimensions."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = [line for line in lines if "EventsPublished" in line]
    return dict(metrics)


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The attributes of every log line."""
    return [vars(record) for record in caplog.records]


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


def test_it_sends_nothing_when_the_function_has_no_time_left(function: Function) -> None:
    with pytest.raises(function.incomplete):
        function(stream_records([credited(7)]), milliseconds=6_000)
    assert function.kinesis.calls == []


def test_a_parked_object_is_an_event_for_the_function(function: Function) -> None:
    function(stream_records([replace(credited(7), schema=2)]))
    (parked,) = function.bucket.objects.values()
    event = json.loads(parked)
    event["Records"][0]["dynamodb"]["NewImage"]["schema"] = {"N": "1"}
    function(event["Records"])
    assert [json.loads(line)["sequence"] for line in function.kinesis.lines()] == [7]


@pytest.mark.parametrize("name", ["DOMAIN_EVENT_STREAM", "PARKING_BUCKET", "ENVIRONMENT"])
def test_a_missing_variable_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(SettingsError, match=name):
        importlib.import_module(MODULE)


@pytest.mark.usefixtures("environ")
def test_the_clients_are_bounded() -> None:
    kinesis, s3 = kinesis_client(), s3_client()
    assert kinesis.meta.config.retries["total_max_attempts"] == 1
    assert s3.meta.config.retries["total_max_attempts"] == 3
    for client in (kinesis, s3):
        assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (1, 2)
    assert callable(kinesis.put_records)
    assert callable(s3.put_object)
