"""The deployed sealer: what it asks for, counts, logs and answers, and what it is built of."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from lambdas.athena.errors import QueryTimeoutError
from lambdas.composition.settings import SealerSettings, load
from lambdas.composition.transparency import deployed_sealer
from lambdas.transparency.errors import LogConflictError, LogUnavailableError, MalformedError
from lambdas.transparency.findings import Fork, Hole, Sealed
from tests.support.function_modules import forgotten
from tests.support.function_variables import SEALER
from tests.support.lambda_context import Context

MODULE = "lambdas.handlers.sealer"
MOMENT = "2026-03-01T12:00:00.123Z"
NOTHING = Sealed((), 0, 7, "root", "note", "key", (), 0, 0, (), 0, complete=True)
FORKS = tuple(Fork(f"account-{number}", number, "expected", "found") for number in range(1, 31))
HOLES = tuple(Hole(f"account-{number}", number, MOMENT) for number in range(1, 31))
SEALED = Sealed((3, 4), 70_000, 70_007, "root", "note", "key", HOLES, 45, 2, FORKS, 30, complete=False)
METRICS = ("SealsDecided", "LeavesSealed", "LogForks", "LogHoles", "LogConflicts")


class Function:
    """The handler's module over a sealer that answers as told."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        forgotten(monkeypatch, MODULE, SEALER)
        self._module = importlib.import_module(MODULE)
        self._capsys = capsys
        self._caplog = caplog
        monkeypatch.setattr(self._module, "deployed_sealer", self._deployed)
        self.answer: Sealed | Exception = NOTHING
        self.asked: list[Any] = []
        self.open = 0

    @contextmanager
    def _deployed(self, settings: SealerSettings) -> Iterator[Function]:
        assert settings.log_bucket == SEALER["LOG_BUCKET"]
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    def run(self, *, through: datetime | None, time_left: Callable[[], float]) -> Sealed:
        self.asked.append((through, time_left()))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def rebuild_index(self) -> None:
        self.asked.append("rebuild")

    def __call__(self, event: Any, milliseconds: int = 900_000) -> Any:
        return self._module.handler(event, Context(milliseconds))

    def counted(self) -> dict[str, float]:
        """The metrics, which name the environment."""
        assert self.open == 0
        found: dict[str, float] = {}
        for line in map(json.loads, self._capsys.readouterr().out.splitlines()):
            if "_aws" in line:
                assert line["environment"] == "test"
                found |= {name: sum(line[name]) for name in METRICS if name in line}
        return found

    def logged(self) -> dict[str, dict[str, Any]]:
        """What stands in each log line, by its message."""
        return {each.message: each.__dict__ for each in self._caplog.records}

    def error(self, name: str) -> type[Exception]:
        found: type[Exception] = getattr(self._module, name)
        return found


@pytest.fixture
def function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Function:
    return Function(monkeypatch, capsys, caplog)


def test_answer_is_what_was_sealed_as_json(function: Function) -> None:
    function.answer = SEALED

    answer = function({})

    assert msgspec.json.decode(json.dumps(answer), type=Sealed) == SEALED


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ({}, [(None, 885.0)]),
        ({"through": MOMENT}, [(datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC), 885.0)]),
        ({"rebuild_index": True}, ["rebuild", (None, 885.0)]),
        ({"rebuild_index": False}, [(None, 885.0)]),
    ],
)
def test_what_an_event_asks_for(function: Function, event: dict[str, Any], asked: list[Any]) -> None:
    function(event)

    assert function.asked == asked


@pytest.mark.parametrize(
    "event",
    [None, [], "now", {"through": "now"}, {"through": 5}, {"through": ""}, {"rebuild": True}, {"rebuild_index": "yes"},
     {"through": "2026-03-01T12:00:00"}, {"through": "2026-03-01"}],
)  # fmt: skip
def test_event_that_asks_for_something_else(function: Function, event: Any) -> None:
    with pytest.raises(function.error("InvalidSealRequestError"), match="through"):
        function(event)

    assert function.asked == []


def test_run_is_counted(function: Function) -> None:
    function.answer = SEALED

    function({})

    assert function.counted() == {
        "SealsDecided": 2, "LeavesSealed": 70_000, "LogForks": 30, "LogHoles": 2, "LogConflicts": 0,
    }  # fmt: skip


def test_run_without_anything_new_counts_zeros(function: Function) -> None:
    function({})

    assert function.counted() == dict.fromkeys(METRICS, 0)
    assert function.logged().keys() == {"sealed"}


def test_first_forks_and_holes_are_named(function: Function) -> None:
    function.answer = SEALED

    function({})

    lines = function.logged()
    assert (lines["sealed"]["levelname"], lines["sealed"]["size"], lines["sealed"]["complete"]) == (
        "INFO",
        70_007,
        False,
    )
    forks, holes = lines["the lake and the log differ"], lines["events wait for versions before them"]
    assert (forks["levelname"], forks["count"], len(forks["forks"])) == ("ERROR", 30, 20)
    assert forks["forks"][0] == {"account_id": "account-1", "version": 1, "expected": "expected", "found": "found"}
    assert (holes["levelname"], holes["count"], holes["overdue"], len(holes["holes"])) == ("ERROR", 45, 2, 20)
    assert holes["holes"][0] == {"account_id": "account-1", "version": 1, "since": MOMENT}


def test_hole_that_may_still_close_is_no_error(function: Function) -> None:
    function.answer = msgspec.structs.replace(SEALED, overdue_count=0, forks=(), fork_count=0)

    function({})

    assert {line["levelname"] for line in function.logged().values()} == {"INFO"}


def test_conflict_is_counted_before_it_is_raised(function: Function) -> None:
    function.answer = LogConflictError("tile/0/000 is not what it should be")

    with pytest.raises(LogConflictError):
        function({})

    assert function.counted() == {"LogConflicts": 1}
    assert function.logged()["the log does not hold what follows from its seals"]["reason"] == str(function.answer)


@pytest.mark.parametrize("error", [LogUnavailableError("away"), QueryTimeoutError("slow"), MalformedError("no key")])
def test_other_failures_are_raised(function: Function, error: Exception) -> None:
    function.answer = error

    with pytest.raises(type(error)):
        function({})

    assert function.counted() == {}


def test_what_is_deployed_makes_no_request_until_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SEALER, "AWS_DEFAULT_REGION": SEALER["AWS_REGION"]}.items():
        monkeypatch.setenv(name, value)
    settings = load(SealerSettings, SEALER)

    with deployed_sealer(settings) as sealer:
        assert sealer._options.hole_minutes == 60
        assert sealer._options.lookback_days == 1
        assert sealer._options.origin_prefix == SEALER["LOG_ORIGIN_PREFIX"]
