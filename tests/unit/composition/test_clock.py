"""A function whose clock is off says so, whichever client's answer shows it."""

from __future__ import annotations

import importlib
import itertools
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError

from lambdas.composition.accounts import watched_client
from lambdas.eventsourcing.clock_check import ClockCheck
from tests.support.clocks import START
from tests.support.commands import Desk
from tests.support.event_rows import account_id
from tests.support.function_variables import ACCOUNTS
from tests.support.lambda_context import Context
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.in_process import proxy_event

NUMBERS = itertools.count(1)
"""Of accounts: a handler's module keeps what it has seen for the whole run."""
NOTHING = b'{"Items":[],"Count":0,"ScannedCount":0,"ConsumedCapacity":{"TableName":"events","CapacityUnits":0.5}}'
WRITTEN = b'{"ConsumedCapacity":[{"TableName":"events","CapacityUnits":2.0}]}'
THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}'


class Service:
    """Stands for DynamoDB behind the transport: what it answers, and the Date it writes."""

    def __init__(self) -> None:
        self.status, self.body = 200, NOTHING
        self.date: str | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    def send(self, request: Any) -> AWSResponse:
        """In place of the transport's `send`."""
        self.meanwhile()
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-crc32": str(zlib.crc32(self.body))}
        if self.date is not None:
            headers["Date"] = self.date
        return AWSResponse(request.url, self.status, headers, _Raw(self.body))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    for name, value in ACCOUNTS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", service.send)
    return service


class Watch:
    """A client on a clock that stands, and its check."""

    def __init__(self, service: Service) -> None:
        self.now, self._service = START, service
        self.check = ClockCheck(self._seconds)
        self._client = watched_client(self.check)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def ask(self, date: datetime | str | None) -> float:
        """The clock's error after an answer with this Date."""
        self._service.date = format_datetime(date, usegmt=True) if isinstance(date, datetime) else date
        self._client.query(TableName="events", KeyConditionExpression="a = b")
        return self.check.error()


@pytest.fixture
def watch(service: Service) -> Watch:
    return Watch(service)


@pytest.mark.parametrize(
    ("ahead", "error"),
    [(0, 0), (0.9, 0), (1, 0), (-1, 0), (1.25, 0.25), (-1.25, -0.25), (6.5, 5.5), (-6.5, -5.5), (3600, 3599)],
)
def test_how_far_the_clock_is_off(watch: Watch, ahead: float, error: float) -> None:
    watch.now = START + timedelta(seconds=ahead)
    assert watch.ask(START) == pytest.approx(error)


@pytest.mark.parametrize("seconds", [0.5, 30])
def test_an_answer_that_takes_long_is_no_error(watch: Watch, service: Service, seconds: float) -> None:
    """The service may have written the Date at any time between the request and the answer."""

    def pass_time() -> None:
        watch.now += timedelta(seconds=seconds)

    service.meanwhile = pass_time
    for date in (START, START + timedelta(seconds=int(seconds))):
        watch.now = START
        assert watch.ask(date) == 0
    watch.now = START
    assert watch.ask(START - timedelta(seconds=10)) == 9
    watch.now = START
    assert watch.ask(START + timedelta(seconds=seconds + 10, milliseconds=500)) < -8


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sat, 31 Feb 2026 12:00:00 GMT"])
def test_an_answer_without_a_date_says_nothing(watch: Watch, date: str | None) -> None:
    assert watch.ask(date) == 0


def test_an_answer_counts_once_and_the_newest_counts(watch: Watch) -> None:
    watch.now = START + timedelta(hours=1)
    assert watch.ask(START) > 0
    assert watch.check.error() == 0
    assert watch.ask(START + timedelta(hours=1)) == 0


def test_a_refusal_has_a_date_too(watch: Watch, service: Service) -> None:
    service.status, service.body = 400, THROTTLED
    watch.now = START + timedelta(hours=1)
    with pytest.raises(ClientError):
        watch.ask(START)
    assert watch.check.error() == 3599


def test_no_answer_says_nothing(watch: Watch, service: Service) -> None:
    def fail() -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.invalid")

    service.meanwhile = fail
    watch.now = START + timedelta(hours=1)
    with pytest.raises(EndpointConnectionError):
        watch.ask(START)
    assert watch.check.error() == 0


def _call_api(service: Service) -> None:
    module = importlib.import_module("lambdas.handlers.accounts_api")
    assert (
        module.handler(proxy_event(Call("GET", f"/accounts/{account_id(next(NUMBERS))}")), Context())["statusCode"]
        == 404
    )


def _call_processor(service: Service) -> None:
    service.body = WRITTEN
    record = Desk().record(account_id(next(NUMBERS)), {"type": "OpenAccount", "currency": "EUR"})
    importlib.import_module("lambdas.handlers.command_processor").handler({"Records": [record]}, Context())


@pytest.mark.parametrize("call", [_call_api, _call_processor], ids=["api", "processor"])
@pytest.mark.parametrize(("ahead", "counted"), [(0, 0), (4, 0), (-4, 0), (8, 1), (-8, 1), (3600, 1)])
def test_functions_that_book_count_and_log_it(
    service: Service,
    call: Callable[[Service], None],
    ahead: float,
    counted: int,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    service.date = format_datetime(datetime.now(UTC) - timedelta(seconds=ahead), usegmt=True)
    call(service)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(line.get("ClockOff", [0])[0] for line in lines if "_aws" in line) == counted
    said = [record for record in caplog.records if "clock" in record.getMessage()]
    assert [abs(vars(each)["seconds_ahead"] - ahead) < 2.5 for each in said] == [True] * counted
