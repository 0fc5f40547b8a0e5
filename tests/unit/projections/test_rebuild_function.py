"""The deployed function that rebuilds: what it answers, what it counts and logs, and what it raises."""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType
from typing import Any

import msgspec
import pytest

from lambdas.composition.rebuilding import deployed_rebuild
from lambdas.composition.settings import ProjectionSettings
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.errors import ControlError, RebuildRunningError, UnknownProjectionError
from lambdas.projections.rebuild import Done, Rebuild, SettleStep, WalkStep
from tests.support.bank import account_id
from tests.support.function_variables import EVERY_FUNCTION
from tests.support.lambda_context import Context
from tests.support.rebuilding import EVENTS, Ledger, World, send
from tests.support.workloads import credit, opening

MODULE = "lambdas.handlers.projection_rebuild"
VARIABLES = {
    **EVERY_FUNCTION,
    "PROJECTION": "account_summaries",
    "READ_MODEL_TABLE": "summaries",
    "EVENT_TABLE": "events",
}
GOOD, BAD = account_id(1), account_id(2)
WALK = {"step": "walk", "generation": 1, "rebuild": "first", "segment": 0, "segments": 1}
SETTLE = {"step": "settle", "generation": 1, "rebuild": "first"}


def spoilt() -> Ledger:
    """Two accounts with three events each, of which one cannot be read."""
    ledger = Ledger()
    for each in (GOOD, BAD):
        send(ledger, [opening(each), credit(f"{each}-1", each, 1), credit(f"{each}-2", each, 1)])
    ledger.client.tables[EVENTS].between(BAD, None, None)[1]["type"] = {"S": "AccountBlessed"}
    return ledger


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler's module, imported anew."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return importlib.import_module(MODULE)


@pytest.fixture
def world(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> World:
    """A rebuild that has just begun, of which the handler carries out the steps."""
    world = World(ACCOUNT_SUMMARIES, spoilt())
    world.start(segments=1)
    monkeypatch.setattr(module, "_rebuild", world.process(walk=world.ledger.walk_in_pages_of(2)))
    return world


def test_it_answers_the_step_and_whether_it_is_done(module: ModuleType, world: World) -> None:
    """The state machine repeats a step with its own answer."""
    assert module.handler(WALK, Context()) == {**WALK, "done": True}
    assert module.handler({**SETTLE, "done": False}, Context()) == {**SETTLE, "done": True}
    assert world.control.read().live == 1


def test_a_step_ends_before_its_function_does(module: ModuleType, world: World) -> None:
    """With so little time it does one page."""
    assert module.handler(WALK, Context(6_000)) == {**WALK, "done": False}
    assert world.segments.load(1, 0).rows == 2
    assert module.handler({**WALK, "done": False}, Context(60_000)) == {**WALK, "done": True}


def test_pages_are_begun_in_half_of_the_time(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []

    class Noting(Deadline):
        def __init__(self, of: float) -> None:
            seconds.append(of)
            super().__init__(of)

    monkeypatch.setattr(module, "Deadline", Noting)
    monkeypatch.setattr(module._rebuild, "walk", lambda *_: Done(done=True))
    module.handler(WALK, Context(900_000))
    assert seconds == [450.0, 898.0]


def test_it_counts_for_its_projection(module: ModuleType, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    module.handler(WALK, Context())
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (metrics,) = [each for each in lines if "RebuildRowsWalked" in each]
    counted = {name: metrics[name] for name in metrics if name.startswith("Rebuild")}
    assert counted == {
        "RebuildRowsWalked": [6.0],
        "RebuildEventsFolded": [4.0],
        "RebuildAccountsStopped": [1.0],
        "RebuildReadUnits": [4.0],
        "RebuildWriteUnits": [0.0],
    }
    assert (metrics["projection"], metrics["environment"]) == ("account_summaries", "test")


def test_it_names_the_accounts_that_it_stops(
    module: ModuleType, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    module.handler(WALK, Context())
    (error,) = [vars(record) for record in caplog.records if record.levelname == "ERROR"]
    assert (error["account_id"], error["version"], error["generation"]) == (BAD, 1, 1)
    assert "AccountBlessed" in error["reason"]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({**WALK, "rebuild": "other"}, RebuildRunningError),
        ({**SETTLE, "rebuild": "other"}, RebuildRunningError),
        ({**WALK, "generation": 2}, ControlError),
        ({**SETTLE, "generation": 2}, ControlError),
    ],
)
def test_what_a_repetition_does_not_mend_is_raised_by_its_name(
    module: ModuleType, world: World, event: dict[str, Any], error: type[Exception]
) -> None:
    """The state machine does not repeat errors of these names, and a subclass has another."""
    with pytest.raises(error) as raised:
        module.handler(event, Context())
    assert type(raised.value) is error


@pytest.mark.parametrize("event", [{}, {"step": "jump"}, {**WALK, "segment": "one"}, {"step": "walk", "generation": 1}])
def test_what_is_no_step_is_refused(module: ModuleType, world: World, event: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        module.handler(event, Context())


def test_its_parts_are_built_from_its_settings(module: ModuleType) -> None:
    settings = ProjectionSettings(
        projection="daily_totals", read_model_table="totals", event_table="events", environment="test"
    )
    assert isinstance(deployed_rebuild(settings), Rebuild)
    with pytest.raises(UnknownProjectionError):
        deployed_rebuild(msgspec.structs.replace(settings, projection="no such"))


def test_steps_are_what_the_state_machine_sends() -> None:
    assert msgspec.convert(WALK, WalkStep | SettleStep) == WalkStep(1, "first", 0, 1)
    assert msgspec.convert(SETTLE, WalkStep | SettleStep) == SettleStep(1, "first")
