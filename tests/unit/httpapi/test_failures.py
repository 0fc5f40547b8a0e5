"""What goes wrong behind the API: 409, 503 and 500 as problems; what is logged, counted, and kept quiet."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from lambdas.eventsourcing.errors import (
    CommitTooLargeError,
    NotAppliedError,
    OutcomeUnknownError,
    ReadUnavailableError,
    VersionConflictError,
)
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.store import C, Page
from lambdas.httpapi.telemetry import logger
from tests.unit.httpapi.suite.in_process import REQUEST_ID, InProcessApi, in_process_api

SECRET = "a detail that is nobody's business"


class FailingStore(InMemoryEventStore):
    """Fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.commit_error: Exception | None = None
        self.read_error: Exception | None = None

    def commit(self, build: Callable[[], C], **options: Any) -> C:
        if self.commit_error is not None:
            raise self.commit_error
        return super().commit(build, **options)

    def read(self, stream_id: str, **options: Any) -> Page:
        if self.read_error is not None:
            raise self.read_error
        return super().read(stream_id, **options)


@pytest.fixture
def store() -> FailingStore:
    return FailingStore()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, store: FailingStore) -> InProcessApi:
    return in_process_api(monkeypatch, store=store)


class Output:
    """What the function writes: log lines through the logger's handler, metrics to standard output."""

    def __init__(self, stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._stream = stream
        self._capsys = capsys

    def text(self) -> str:
        """All that was written since the last call."""
        written = self._stream.getvalue() + self._capsys.readouterr().out
        self._stream.seek(0)
        self._stream.truncate()
        return written

    def lines(self) -> list[dict[str, Any]]:
        """The lines, which are JSON all."""
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(stream := io.StringIO())
    yield Output(stream, capsys)
    handler.setStream(before)


def counted(log: list[dict[str, Any]]) -> set[str]:
    """The names of the metrics in it."""
    return {
        metric["Name"]
        for line in log
        if "_aws" in line
        for each in line["_aws"]["CloudWatchMetrics"]
        for metric in each["Metrics"]
    }


@pytest.mark.parametrize(
    ("error", "status", "code", "metric"),
    [
        (NotAppliedError(SECRET), 503, "not-applied", "CommandsUnavailable"),
        (OutcomeUnknownError(SECRET), 503, "outcome-unknown", "CommandsUnavailable"),
        (VersionConflictError(()), 409, "contention", "CommandsContended"),
        (CommitTooLargeError(SECRET), 500, "internal-error", "Requests"),
        (RuntimeError(SECRET), 500, "internal-error", "Requests"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
@pytest.mark.parametrize("key", [None, "key"], ids=["plain", "keyed"])
def test_a_command_that_cannot_be_appended(
    api: InProcessApi,
    store: FailingStore,
    output: Output,
    error: Exception,
    status: int,
    code: str,
    metric: str,
    key: str | None,
) -> None:
    account_id = api.open(balance=10)
    store.commit_error = error
    output.text()
    headers = {} if key is None else {"Idempotency-Key": key}

    answer = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, headers)

    assert (answer.status, answer.problem) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert SECRET not in answer.body.decode()
    assert metric in counted(output.lines())
    store.commit_error = None
    assert api.post(f"/accounts/{account_id}/credit", {"amount": 1}, headers).status == 200


def test_a_ledger_that_cannot_be_read(api: InProcessApi, store: FailingStore) -> None:
    account_id = api.open()
    store.read_error = ReadUnavailableError(SECRET)
    for path in (f"/accounts/{account_id}", f"/accounts/{account_id}/events"):
        answer = api.get(path)
        assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "store-unavailable", "1")
        assert SECRET not in answer.body.decode()


def test_an_unexpected_error_is_logged_once_with_its_traceback(
    api: InProcessApi, store: FailingStore, output: Output
) -> None:
    account_id = api.open()
    store.read_error = RuntimeError(SECRET)
    output.text()

    answer = api.get(f"/accounts/{account_id}", {"X-Correlation-Id": "trace-me"})

    assert (answer.status, answer.problem) == (500, "internal-error")
    assert answer.json()["correlation_id"] == "trace-me"
    assert "detail" not in answer.json()
    errors = [line for line in output.lines() if line.get("level") == "ERROR"]
    assert len(errors) == 1
    assert errors[0]["correlation_id"] == "trace-me"
    assert SECRET in errors[0]["exception"]
    assert "Traceback" in errors[0]["exception"]


def test_a_route_with_a_bug_is_a_500(api: InProcessApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> NoReturn:
        raise KeyError(SECRET)

    monkeypatch.setattr("lambdas.httpapi.requests.Request.account_id", broken)
    answer = api.get("/accounts/00000000-0000-4000-8000-000000000000")
    assert (answer.status, answer.problem) == (500, "internal-error")
    assert SECRET not in answer.body.decode()


def test_logs_and_metrics_keep_bodies_and_amounts_to_themselves(api: InProcessApi, output: Output) -> None:
    sender, receiver = api.open(balance=987_654), api.open(overdraft_limit=456_789)
    api.post(f"/accounts/{sender}/withdraw", {"amount": 123_456, "reference": "for your eyes only"})
    api.post(f"/accounts/{sender}/withdraw", {"amount": 999_999})
    api.post(f"/accounts/{sender}/withdraw", {"amount": "345678"})
    api.post("/transfers", {"from_account_id": sender, "to_account_id": receiver, "amount": 23_456})
    said = output.text()
    for secret in ("987654", "456789", "123456", "999999", "345678", "23456", "eyes only", "secret", "{\\"):
        assert secret not in said


def test_a_read_that_cannot_be_served_is_counted_but_for_a_version_to_come(
    api: InProcessApi, store: FailingStore, output: Output
) -> None:
    """503 with `min_version` is an answer like any other; the alarm on the metric must not hear it."""
    path = f"/accounts/{api.open()}"
    output.text()
    assert (api.get(path, min_version=2).status, api.get(path, version=2).status) == (503, 404)
    assert "ReadsUnavailable" not in counted(output.lines())
    store.read_error = ReadUnavailableError(SECRET)
    for each, query in ((path, {}), (path, {"min_version": 2}), (f"{path}/events", {})):
        assert api.get(each, **query).status == 503
        assert "ReadsUnavailable" in counted(output.lines())
    assert api.post(f"{path}/credit", {"amount": 1}).status in {200, 503}
    assert "ReadsUnavailable" not in counted(output.lines())


def test_every_request_has_one_line_and_its_metrics(api: InProcessApi, output: Output) -> None:
    account_id = api.open()
    key = {"Idempotency-Key": "k"}
    api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key)
    api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key | {"X-Correlation-Id": "mine"})
    api.post(f"/accounts/{account_id}/withdraw", {"amount": 2})
    api.get("/nowhere")
    log = output.lines()
    answered = [line for line in log if line.get("message") == "request answered"]
    assert [(line["method"], line["route"], line["status"]) for line in answered] == [
        ("POST", "/accounts", 201),
        ("POST", "/accounts/{account_id}/credit", 200),
        ("POST", "/accounts/{account_id}/credit", 200),
        ("POST", "/accounts/{account_id}/withdraw", 422),
        ("GET", "unknown", 404),
    ]
    assert [line["correlation_id"] for line in answered] == [REQUEST_ID, REQUEST_ID, "mine", REQUEST_ID, REQUEST_ID]
    assert {"Requests", "CommandsAccepted", "CommandsReplayed", "CommandsRejected"} <= counted(log)
    for line in log:
        if "_aws" in line:
            assert (line["service"], line["environment"]) == ("daybook", "test")
            assert set(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == {"service", "environment"}


def test_the_first_request_of_a_container_counts_a_cold_start(
    api: InProcessApi, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws_lambda_powertools.metrics.provider.cold_start.is_cold_start", True)
    api.get("/nowhere")
    api.get("/nowhere")
    starts = [line for line in output.lines() if "_aws" in line and "ColdStart" in line]
    assert len(starts) == 1
