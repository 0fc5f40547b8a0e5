"""The deployed function that measures the lag: what it counts, what it logs, and when it raises."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from lambdas.composition.projections import deployed_meter
from lambdas.composition.publishing import kinesis_client
from lambdas.composition.settings import LagSettings, SettingsError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control
from lambdas.projections.errors import UnknownProjectionError
from lambdas.projections.stream.measuring import FIRST_RECORDS, LagMeter
from tests.support.clocks import START, SimulatedTime
from tests.support.fake_dynamodb import client_error
from tests.support.folded_accounts import MemoryTables
from tests.support.function_modules import forgotten
from tests.support.function_variables import LAG
from tests.support.kinesis_events import SHARD
from tests.support.lambda_context import Context
from tests.support.read_stream import FakeStream

REPOSITORY = Path(__file__).parents[3]
MODULE = "lambdas.handlers.projection_lag"


class Function:
    """The handler's module over two read models in memory and a stream that is simulated."""

    def __init__(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = SimulatedTime()
        self.stream = FakeStream(self.time)
        self.tables = {"account_summaries": MemoryTables(), "daily_totals": MemoryTables()}
        monkeypatch.setattr(module, "_tables", self.tables)
        monkeypatch.setattr(
            module, "_meter", LagMeter(self.stream, "domain-events", clock=self.time.wall, sleep=self.time.sleep)
        )
        self.not_measured: type[Exception] = module.LagNotMeasuredError
        self._module = module

    def __call__(self, milliseconds: int = 30_000) -> None:
        assert self._module.handler({"any": "event"}, Context(milliseconds)) is None


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of the deployed function; its module is imported anew."""
    return forgotten(monkeypatch, MODULE, LAG)


@pytest.fixture
def function(environ: pytest.MonkeyPatch) -> Function:
    """A function that was just started."""
    return Function(importlib.import_module(MODULE), environ)


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[float, float, float]]:
    """By projection: events, seconds, accounts that are stopped. Every other dimension is as everywhere."""
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    found = {}
    for each in (line for line in lines if "ProjectionLagEvents" in line):
        assert set(each["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == {"service", "environment", "projection"}
        names = ("ProjectionLagEvents", "ProjectionLagSeconds", "ProjectionAccountsWaiting")
        found[each["projection"]] = tuple(each[name][0] for name in names)
        assert {metric["Unit"] for metric in each["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {"Count", "Seconds"}
    return found


def test_it_counts_and_saves_the_lag_of_each_projection(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function.stream.put(b"{}\n{}\n", 1, age=20)
    function()
    measured = counted(capsys)
    assert {name: (events, stopped) for name, (events, _, stopped) in measured.items()} == {
        "account_summaries": (2.0, 0.0),
        "daily_totals": (2.0, 0.0),
    }
    for name, tables in function.tables.items():
        lag = tables.positions.lag()
        assert lag is not None
        assert (lag.events, lag.seconds) == measured[name][:2]
        assert 20 <= lag.seconds < 21
    assert [each for each in caplog.records if each.levelname != "INFO"] == []


def test_the_others_are_measured_before_it_raises(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> Any:
        raise client_error("AccessDeniedException", "GetItem")

    function.tables["account_summaries"].control.read = away  # type: ignore[method-assign]
    with pytest.raises(function.not_measured, match="the lag of account_summaries was not measured"):
        function()
    assert list(counted(capsys)) == ["daily_totals"]
    (log,) = [vars(each) for each in caplog.records if each.levelname == "ERROR"]
    assert log["projection"] == "account_summaries"
    assert "AccessDenied" in log["reason"]
    assert function.tables["daily_totals"].positions.lag() is not None


def test_nothing_is_counted_while_no_generation_is_live(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.tables["daily_totals"] = MemoryTables(Control())
    function()
    assert list(counted(capsys)) == ["account_summaries"]
    assert function.tables["daily_totals"].positions.lag() is None


def test_it_measures_nothing_in_the_time_for_logs_and_metrics(function: Function) -> None:
    with pytest.raises(function.not_measured, match="account_summaries, daily_totals"):
        function(10_000)


@pytest.mark.parametrize("name", ["READ_MODEL_TABLES", "DOMAIN_EVENT_STREAM", "ENVIRONMENT"])
def test_a_missing_variable_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(SettingsError, match=name):
        importlib.import_module(MODULE)


@pytest.mark.usefixtures("environ")
def test_tables_that_are_none_end_the_function_at_its_start() -> None:
    with pytest.raises(SettingsError, match="READ_MODEL_TABLES"):
        deployed_meter(LagSettings("account_summaries=table", "stream", "test"))
    with pytest.raises(UnknownProjectionError, match="guesses"):
        deployed_meter(LagSettings('{"guesses":"table"}', "stream", "test"))


@pytest.mark.usefixtures("environ")
def test_the_service_takes_the_requests_and_its_answers_are_read() -> None:
    """botocore checks requests and answers against the service's own description."""
    client = kinesis_client()
    shard = {
        "ShardId": SHARD,
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
        "SequenceNumberRange": {"StartingSequenceNumber": "1"},
    }
    record = {"SequenceNumber": "7", "ApproximateArrivalTimestamp": START, "Data": b"{}\n", "PartitionKey": "one"}
    with Stubber(client) as stream:
        stream.add_response("list_shards", {"Shards": [shard]}, {"StreamName": "domain-events"})
        stream.add_response(
            "get_shard_iterator",
            {"ShardIterator": "one"},
            {"StreamName": "domain-events", "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"},
        )
        stream.add_response(
            "get_records",
            {"Records": [record], "NextShardIterator": "two", "MillisBehindLatest": 0},
            {"ShardIterator": ANY, "Limit": FIRST_RECORDS},
        )
        lag = LagMeter(client, "domain-events", clock=lambda: START).measure(MemoryTables(), Deadline())
        assert lag is not None
        assert (lag.events, lag.seconds) == (1, 0.0)
        stream.assert_no_pending_responses()


def test_the_handler_imports_nothing_heavy() -> None:
    show = f"import sys, {MODULE}; print(*sys.modules, sep='\\n')"
    started = subprocess.run(
        [sys.executable, "-c", show], env=LAG, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert MODULE in started.stdout.split()
    unwanted = {"boto3", "s3transfer", "lambdas.contracts.lake", "lambdas.contracts.components"}
    assert set(started.stdout.split()) & unwanted == set()
