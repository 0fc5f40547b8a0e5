"""The canary's function against the deployed system: its handler in this process, the API and the processor there.

It is not deployed here, for the API's address in its variables is AWS's, which nothing on this machine answers.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from local.example.client import Client
from local.machine.environment import Environment
from tests.support.function_variables import EVERY_FUNCTION
from tests.support.lambda_context import Context

MODULE = "lambdas.handlers.canary"
Run = Callable[[], dict[str, Any]]


@pytest.fixture
def run(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in {**EVERY_FUNCTION, "API_URL": environment.api_url, "AWS_REGION": environment.region}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    handler = importlib.import_module(MODULE).handler

    def run() -> dict[str, Any]:
        context = Context()
        context.aws_request_id = str(uuid4())
        told: dict[str, Any] = handler({}, context)
        return told

    return run


def test_each_run_goes_well_on_one_account_whose_balance_stays(run: Run, environment: Environment) -> None:
    first, second = run(), run()
    for told in (first, second):
        assert {each["status"] for each in told["steps"]} == {"ok"}
    assert first["account_id"] == second["account_id"]
    client = Client(environment)
    account = client.get(f"/accounts/{first['account_id']}").body
    client.close()
    assert (account["currency"], account["balance"]) == ("XTS", 0)
