"""The deployed projector: what it counts, what it logs, when it raises, and how it retries."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from lambdas.composition.projections import DeployedProjector, deployed_projector
from lambdas.composition.settings import ProjectionSettings, SettingsError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.errors import CorruptItemError, ReadModelUnavailableError, UnknownProjectionError
from lambdas.projections.stream.consumer import StreamConsumer
from lambdas.projections.stream.projector import Projector
from tests.support.clocks import START
from tests.support.event_rows import ACCOUNT, account_id, chained, row
from tests.support.folded_accounts import MemoryTables, RecordedEvents
from tests.support.function_modules import forgotten
from tests.support.function_variables import PROJECTION
from tests.support.kinesis_events import SHARD, kinesis_record, line, unreadable
from tests.support.lambda_context import Context

OTHER = account_id(2)
REPOSITORY = Path(__file__).parents[3]
MODULE = "lambdas.handlers.projector"
OPENED = '{"currency":"EUR","overdraft_limit":0}'
ROWS = chained([row(1, kind="AccountCreated", data=OPENED), row(2), row(3)])
OTHERS = chained([row(1, stream_id=OTHER, kind="AccountCreated", data=OPENED), row(2, stream_id=OTHER)])


class Function:
    """The handler's module over a read model in memory."""

    def __init__(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch, control: Control | None = None) -> None:
        self.tables, self.events = MemoryTables(control), RecordedEvents([*ROWS, *OTHERS])
        projector = Projector(ACCOUNT_SUMMARIES, self.tables.rows, self.tables.control, self.events)
        consumer = StreamConsumer(projector, self.tables.positions, clock=lambda: START)
        monkeypatch.setattr(module, "_deployed", DeployedProjector(consumer, projector))
        self.incomplete: type[Exception] = module.ProjectionIncompleteError
        self._module = module

    def __call__(self, records: list[dict[str, Any]], milliseconds: int = 60_000) -> None:
        assert self._module.handler({"Records": records}, Context(milliseconds)) == {}

    def retry(self, account_ids: Any) -> Any:
        return self._module.handler({"retry": account_ids}, Context())


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of the deployed function; its module is imported anew."""
    return forgotten(monkeypatch, MODULE, PROJECTION)


@pytest.fixture
def function(environ: pytest.MonkeyPatch) -> Function:
    """A function that was just started."""
    return Function(importlib.import_module(MODULE), environ)


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Every metric that was written, by name, and its dimensions."""
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (metrics,) = [each for each in lines if "ProjectionEventsFolded" in each]
    return dict(metrics)


def logged(caplog: pytest.LogCaptureFixture, level: str = "ERROR") -> list[dict[str, Any]]:
    """The attributes of every log line of a level."""
    return [vars(record) for record in caplog.records if record.levelname == level]


def test_it_folds_and_counts(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function([kinesis_record(map(line, ROWS), 7), kinesis_record(map(line, OTHERS), 8)])
    metrics = counted(capsys)
    assert (metrics["ProjectionEventsFolded"], metrics["ProjectionAccountsStopped"]) == ([5.0], [0.0])
    dimensions = {name: metrics[name] for name in metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]}
    assert dimensions == {"service": "daybook", "environment": "test", "projection": "account_summaries"}
    assert function.tables.gates() == {ACCOUNT: 3, OTHER: 2}
    assert [each for each in caplog.records if each.levelname != "INFO"] == []


def test_its_dimension_is_not_that_of_the_next_invocation_of_another_function(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    """Powertools keeps default dimensions for a process; tests of other functions run in this one."""
    function([kinesis_record([line(ROWS[0])])])
    capsys.readouterr()
    metrics = function._module.metrics
    metrics.add_metric(name="Other", unit="Count", value=1)
    metrics.flush_metrics()
    assert "projection" not in json.loads(capsys.readouterr().out)


def test_the_position_of_a_folded_batch_is_kept(function: Function) -> None:
    function([kinesis_record([line(ROWS[0])], 7), kinesis_record([line(ROWS[1])], 9)])
    assert msgspec.to_builtins(function.tables.positions.all()) == {
        SHARD: {
            "shard": SHARD,
            "sequence_number": "9",
            "recordedtime": ROWS[1].recorded_at,
            "folded_at": "2026-03-01T12:00:00.000Z",
        }
    }


def test_a_dead_letter_that_comes_again_does_not_put_the_position_back(function: Function) -> None:
    function([kinesis_record([line(ROWS[1])], 10)])
    function([kinesis_record([line(ROWS[0])], 9)])
    assert function.tables.positions.all()[SHARD].sequence_number == "10"


def test_an_account_that_stops_is_one_line_and_the_others_go_on(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function(
        [kinesis_record([line(ROWS[0]), unreadable(ROWS[1]), line(ROWS[2])], 1), kinesis_record(map(line, OTHERS))]
    )
    metrics, (log,) = counted(capsys), logged(caplog)
    assert (metrics["ProjectionEventsFolded"], metrics["ProjectionAccountsStopped"]) == ([3.0], [1.0])
    assert (log["generation"], log["account_id"], log["version"]) == (1, ACCOUNT, 1)
    assert function._module.logger.get_current_keys()["projection"] == "account_summaries"
    assert "BalanceGuessed" in log["reason"]
    assert function.tables.gates() == {ACCOUNT: 1, OTHER: 2}
    assert SHARD in function.tables.positions.all()


def test_an_account_that_stops_in_two_generations_counts_once(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function = Function(importlib.import_module(MODULE), environ, Control(live=2, previous=1, newest=2))
    function([kinesis_record([unreadable(ROWS[0])])])
    assert counted(capsys)["ProjectionAccountsStopped"] == [1.0]
    assert [log["generation"] for log in logged(caplog)] == [2, 1]


def test_a_stopped_account_is_retried_by_its_id(function: Function) -> None:
    function([kinesis_record([line(ROWS[0]), unreadable(ROWS[1])])])
    assert function.retry([ACCOUNT]) == {"retried": {ACCOUNT: {"version": 3, "stopped": ""}}}
    assert function.tables.gates() == {ACCOUNT: 3}


def test_a_retry_that_stops_again_says_why(function: Function) -> None:
    function([kinesis_record([line(ROWS[0]), unreadable(ROWS[1])])])
    function.events.rows = [ROWS[0], msgspec.structs.replace(ROWS[1], type="BalanceGuessed")]
    answer = function.retry([ACCOUNT])["retried"][ACCOUNT]
    assert answer["version"] == 1
    assert "BalanceGuessed" in answer["stopped"]


@pytest.mark.parametrize("asked", [[], ["somebody"], "all", [ACCOUNT] * 101, None, [1]], ids=lambda each: str(each)[:9])
def test_a_retry_of_no_account_is_refused(function: Function, asked: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        function.retry(asked)


def test_what_has_no_time_is_raised_and_its_position_is_not_kept(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(function.incomplete, match="1 accounts are not fully folded"):
        function([kinesis_record([line(ROWS[0])])], milliseconds=9_000)
    assert counted(capsys)["ProjectionEventsFolded"] == [0.0]
    (log,) = logged(caplog)
    assert (log["accounts"], log["reason"]) == ([ACCOUNT], "no time is left")
    assert (function.tables.gates(), function.tables.positions.all()) == ({}, {})


def test_it_raises_when_the_read_model_stays_away(
    function: Function, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> Any:
        raise ReadModelUnavailableError("throttled")

    monkeypatch.setattr(function.tables.rows, "save", away)
    with pytest.raises(function.incomplete, match="2 accounts are not fully folded"):
        function([kinesis_record([line(ROWS[0])]), kinesis_record([line(OTHERS[0])])])
    (log,) = logged(caplog)
    assert log["accounts"] == [ACCOUNT, OTHER]
    assert "throttled" in log["reason"]
    assert function.tables.positions.all() == {}


@pytest.mark.parametrize("lines", [[line(ROWS[0])], [line(ROWS[0], source="/elsewhere")]], ids=["event", "ignored"])
def test_it_raises_when_the_control_row_stays_away(
    function: Function, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, lines: list[bytes]
) -> None:
    def away() -> Any:
        raise ReadModelUnavailableError("throttled")

    monkeypatch.setattr(function.tables.control, "read", away)
    with pytest.raises(function.incomplete):
        function([kinesis_record(lines)])
    assert [log["reason"] for log in logged(caplog)] == ["throttled"]
    assert [log for log in logged(caplog, "WARNING") if "no generation" in log["message"]] == []
    assert function.tables.positions.all() == {}


def test_a_row_that_cannot_be_read_is_raised_when_all_else_is_folded(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function = Function(importlib.import_module(MODULE), environ, Control(live=2, previous=1, newest=2))
    load = function.tables.rows.load

    def unreadable_row(generation: int, asked: str, deadline: Deadline) -> Any:
        if (generation, asked) == (2, ACCOUNT):
            raise CorruptItemError(f"2#{asked}", "its gate is no JSON")
        return load(generation, asked, deadline)

    environ.setattr(function.tables.rows, "load", unreadable_row)
    with pytest.raises(function.incomplete, match="1 accounts are not fully folded"):
        function([kinesis_record(map(line, ROWS)), kinesis_record(map(line, OTHERS))])
    assert (function.tables.gates(2), function.tables.gates(1)) == ({OTHER: 2}, {ACCOUNT: 3, OTHER: 2})
    assert counted(capsys)["ProjectionEventsFolded"] == [2.0]
    (log,) = logged(caplog)
    assert (log["accounts"], "its gate is no JSON" in log["reason"]) == ([ACCOUNT], True)


def test_it_raises_when_the_position_cannot_be_saved(
    function: Function, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> Any:
        raise ReadModelUnavailableError("throttled")

    monkeypatch.setattr(function.tables.positions, "save", away)
    with pytest.raises(function.incomplete, match="the position is not saved"):
        function([kinesis_record([line(ROWS[0])])])
    assert logged(caplog)[-1]["reason"] == "throttled"
    assert function.tables.gates() == {ACCOUNT: 1}


def test_a_line_of_no_account_is_raised_when_all_else_is_folded(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(function.incomplete, match="0 accounts are not fully folded, 1 lines cannot be read"):
        function([kinesis_record([line(ROWS[0]), b"{", line(ROWS[1])], 5), kinesis_record(map(line, OTHERS), 6)])
    assert counted(capsys)["ProjectionEventsFolded"] == [4.0]
    assert [log["sequence_number"] for log in logged(caplog)] == ["5"]
    assert function.tables.gates() == {ACCOUNT: 2, OTHER: 2}
    assert function.tables.positions.all() == {}


def test_what_is_of_an_unknown_source_is_ignored(function: Function, caplog: pytest.LogCaptureFixture) -> None:
    function([kinesis_record([line(ROWS[0], source="/elsewhere"), line(ROWS[0])])])
    assert function.tables.gates() == {ACCOUNT: 1}
    assert [log["documents"] for log in logged(caplog, "INFO") if "documents" in log] == [1]


def test_without_a_live_generation_nothing_is_folded_and_the_position_moves_on(
    environ: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    function = Function(importlib.import_module(MODULE), environ, Control())
    function([kinesis_record([line(ROWS[0])])])
    assert function.tables.gates() == {}
    assert SHARD in function.tables.positions.all()
    (log,) = logged(caplog, "WARNING")
    assert "no generation is live" in log["message"]


@pytest.mark.parametrize("name", ["PROJECTION", "READ_MODEL_TABLE", "EVENT_TABLE", "ENVIRONMENT"])
def test_a_missing_variable_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(SettingsError, match=name):
        importlib.import_module(MODULE)


@pytest.mark.usefixtures("environ")
def test_an_unknown_projection_ends_its_function_at_the_start() -> None:
    with pytest.raises(UnknownProjectionError, match="guesses"):
        deployed_projector(ProjectionSettings("guesses", "table", "events", "test"))


def test_the_handler_imports_nothing_heavy() -> None:
    show = f"import sys, {MODULE}; print(*sys.modules, sep='\\n')"
    started = subprocess.run(
        [sys.executable, "-c", show], env=PROJECTION, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert MODULE in started.stdout.split()
    unwanted = {"boto3", "s3transfer", "lambdas.contracts.lake", "lambdas.contracts.components"}
    assert set(started.stdout.split()) & unwanted == set()
