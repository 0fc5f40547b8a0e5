"""The canary's function, on the whole API in this process: what it books, measures, logs, and when it raises."""

from __future__ import annotations

import importlib
import json
from types import ModuleType
from typing import Any

import pytest

from lambdas.composition.canary import deployed_account
from lambdas.composition.settings import CanarySettings, SettingsError
from lambdas.contracts.operations import Operation
from lambdas.smoke.account import USED, TriedAccount
from tests.support.function_modules import forgotten
from tests.support.function_variables import EVERY_FUNCTION
from tests.support.lambda_context import Context
from tests.unit.httpapi.suite.api import Answer, Call
from tests.unit.httpapi.suite.gateway import found
from tests.unit.smoke.conftest import Tried

MODULE = "lambdas.handlers.canary"
VARIABLES = {**EVERY_FUNCTION, "API_URL": "https://api.example/v1"}
STEPS = ["open", "credit", "withdraw", "read", "version", "moment", "replay", "stored command"]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return forgotten(monkeypatch, MODULE, VARIABLES)


class Function:
    """The handler's module, whose account is on the API of a test."""

    def __init__(self, tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module: ModuleType = importlib.import_module(MODULE)
        self.keys: list[str] = []

        def account(settings: CanarySettings, *, opening_key: str, run: str) -> TriedAccount:
            assert settings.api_url == VARIABLES["API_URL"]
            self.keys.append(opening_key)
            return tried.account(opening_key, run, patience=3)

        monkeypatch.setattr(self.module, "deployed_account", account)

    def __call__(self, request_id: str = "first") -> dict[str, Any]:
        context = Context()
        context.aws_request_id = request_id
        told: dict[str, Any] = self.module.handler({}, context)
        return told


@pytest.fixture
def function(tried: Tried, environ: pytest.MonkeyPatch) -> Function:
    return Function(tried, environ)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def measured(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """All metrics by name. The API's function runs in the same process, and writes those of both with each answer."""
    return {name: value for line in lines if "_aws" in line for name, value in line.items()}


def test_a_run_does_all_steps_and_leaves_the_balance_as_it_was(
    function: Function, tried: Tried, capsys: pytest.CaptureFixture[str]
) -> None:
    told = function()
    assert [each["name"] for each in told["steps"]] == STEPS
    assert {each["status"] for each in told["steps"]} == {"ok"}
    metrics = measured(written(capsys))
    assert metrics["CanarySucceeded"] == [1.0]
    assert {name for name in metrics if name.endswith("Seconds")} == {
        "CanaryOpenSeconds", "CanaryCreditSeconds", "CanaryWithdrawSeconds", "CanaryReadSeconds",
        "CanaryVersionSeconds", "CanaryMomentSeconds", "CanaryReplaySeconds", "CanaryStoredCommandSeconds",
    }  # fmt: skip
    assert (metrics["service"], metrics["environment"]) == ("daybook", "test")
    (account,) = {call.path for call in tried.calls if call.method == "GET" and "commands" not in call.path}
    balance = json.loads(tried.api.answer(Call("GET", account, (), (), None)).body)["balance"]
    assert balance == 0


def test_runs_of_a_month_share_an_account_and_each_adds_three_events(
    function: Function, environ: pytest.MonkeyPatch
) -> None:
    first, again, later = function("one"), function("two"), None
    assert first["account_id"] == again["account_id"]
    versions = [step["told"] for told in (first, again) for step in told["steps"] if step["name"] == "credit"]
    assert versions == ["version 2, balance 100", "version 5, balance 100"]
    year_end = importlib.import_module("datetime").datetime(2031, 12, 31)
    environ.setattr(function.module, "utc_now", lambda: year_end)
    later = function("three")
    assert later["account_id"] != first["account_id"]
    assert function.keys[-1] == "canary-2031-12"


def test_a_run_that_is_invoked_again_books_nothing(function: Function) -> None:
    told = [function("same")["steps"][1]["told"] for _ in range(2)]
    assert told[0] == told[1] == "version 2, balance 100"


@pytest.mark.parametrize(
    ("route", "step", "well"),
    [("/credit", "credit", ["open"]), ("/commands", "stored command", STEPS[:-1])],
)
def test_a_step_that_fails_is_logged_and_raised_and_is_no_success(
    function: Function,
    tried: Tried,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    route: str,
    step: str,
    well: list[str],
) -> None:
    problem = b'{"type":"urn:daybook:problem:not-applied","title":"No","status":503,"correlation_id":"x"}'
    refused = Answer(503, {"content-type": "application/problem+json"}, problem)
    tried.change = lambda call, answer: refused if call.path.endswith(route) else answer
    with pytest.raises(function.module.CanaryFailedError, match=f"^{step}: POST .* answered 503: not-applied"):
        function()
    assert measured(written(capsys))["CanarySucceeded"] == [0.0]
    told = {line["step"]["name"]: line for line in map(vars, caplog.records) if "step" in line}
    assert [name for name, line in told.items() if line["levelname"] == "INFO"] == well
    assert told[step]["levelname"] == "ERROR"
    assert (
        "writes are off for a restore, then the alarms, and `daybook trace canary-first`"
        in told[step]["step"]["look_at"]
    )
    named = {dict(call.headers)["X-Correlation-Id"] for call in tried.calls}
    assert named == {"canary-first"}


def test_no_line_holds_a_credential(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function()
    assert "session-token" not in str([*map(vars, caplog.records), capsys.readouterr()])


def test_what_its_steps_use_is_what_its_role_may_call(function: Function, tried: Tried) -> None:
    function()
    called = {(call.method, found(call.path)[0]) for call in tried.calls}
    assert called == {_route(each) for each in USED}


def _route(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.path


@pytest.mark.usefixtures("environ")
def test_it_calls_with_the_credentials_of_its_role() -> None:
    settings = CanarySettings(api_url="https://api.example/v1", aws_region="eu-central-1", environment="test")
    api = deployed_account(settings, opening_key="k", run="r")._api
    assert (api._credentials.access_key, api._region) == ("key", "eu-central-1")


@pytest.mark.parametrize("name", ["API_URL", "AWS_REGION", "ENVIRONMENT"])
def test_a_missing_variable_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(SettingsError, match=name):
        importlib.import_module(MODULE)
