"""What a step says when the API refuses, or does not answer: what, why, and what to look at."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from lambdas.contracts.operations import OPERATIONS
from lambdas.contracts.policies import MAY_COMMAND, MAY_READ
from lambdas.contracts.problems import PROBLEM_TYPES
from lambdas.smoke.api import Api
from lambdas.smoke.steps import StepFailedError, run_steps
from stacks.gateway_answers import GATEWAY_ANSWERS
from tests.support.whole_api import served
from tests.unit.httpapi.suite.api import Answer, Call
from tests.unit.smoke.conftest import CREDENTIALS, RUN, Tried

ROUTES = {
    "open": ("POST", "/accounts", MAY_COMMAND),
    "credit": ("POST", "/accounts/{account_id}/credit", MAY_COMMAND),
    "withdraw": ("POST", "/accounts/{account_id}/withdraw", MAY_COMMAND),
    "read": ("GET", "/accounts/{account_id}", MAY_READ),
    "stored command": ("POST", "/accounts/{account_id}/commands", MAY_COMMAND),
}


def refusing(method: str, ending: str, answer: Answer) -> Any:
    def apply(call: Call, given: Answer) -> Answer:
        wanted = call.method == method and (call.path.endswith(ending) if ending else call.path.count("/") == 2)
        return answer if wanted else given

    return apply


def gateway(kind: str) -> Answer:
    """The answer of API Gateway to a request that it refuses, as it is deployed."""
    problem = GATEWAY_ANSWERS[kind]
    body = problem.template.replace("$context.error.messageString", '"a message"')
    return Answer(problem.status, {"content-type": "application/problem+json"}, body.encode())


@pytest.mark.parametrize("name", ROUTES)
def test_a_missing_permission_names_the_route_the_action_and_the_policy(tried: Tried, name: str) -> None:
    method, path, policy = ROUTES[name]
    tried.change = refusing(method, path.partition("}")[2] if "}" in path else path, gateway("ACCESS_DENIED"))
    failed = tried.run()[name]
    assert failed.what == f"{method} {path} answered 403"
    assert failed.why == "forbidden, no policy allows this caller this request"
    assert f"execute-api:Invoke on {method} {path}, which the policy {policy} gives" in failed.look_at


def test_the_way_to_a_commands_outcome_is_named_too(tried: Tried) -> None:
    tried.change = lambda call, given: gateway("ACCESS_DENIED") if "/commands/" in call.path else given
    failed = tried.run()["stored command"]
    route = "GET /accounts/{account_id}/commands/{command_id}"
    assert failed.what == f"{route} answered 403"
    assert f"execute-api:Invoke on {route}, which the policy {MAY_COMMAND} gives" in failed.look_at


@pytest.mark.parametrize("kind", ["EXPIRED_TOKEN", "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN"])
def test_credentials_that_do_not_hold_are_no_missing_permission(tried: Tried, kind: str) -> None:
    tried.change = refusing("POST", "/accounts", gateway(kind))
    failed = tried.run()["open"]
    assert "aws sts get-caller-identity" in failed.look_at
    assert "execute-api:Invoke" not in failed.look_at


def test_a_caller_that_may_not_test_learns_its_id_and_where_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, test_callers="AROAOTHER") as (api, url):
        failed = Tried(api, url).run()["open"]
    assert failed.what == "POST /accounts answered 403"
    assert "anonymous is none of this environment's test_callers" in failed.why
    assert "add this id to test_callers of the environment in stacks/environment.py" in failed.look_at


@pytest.mark.parametrize("kind", [each for each in PROBLEM_TYPES if each.status >= 400], ids=lambda each: each.code)
def test_every_problem_of_the_contract_ends_in_a_sentence(tried: Tried, kind: Any) -> None:
    problem = {"type": kind.uri, "title": kind.title, "status": kind.status}
    tried.change = refusing("POST", "/credit", Answer(kind.status, {}, json.dumps(problem).encode()))
    failed = tried.run()["credit"]
    assert (failed.status, failed.what) == ("failed", f"POST /accounts/{{account_id}}/credit answered {kind.status}")
    assert failed.why == f"{kind.code}, {kind.title}"
    assert failed.look_at


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"message":"Forbidden"}'])
def test_an_answer_that_is_no_problem(tried: Tried, body: bytes) -> None:
    tried.change = refusing("POST", "/accounts", Answer(403, {}, body))
    failed = tried.run()["open"]
    assert failed.why.startswith("not a problem of the contract")
    assert "ApiUrl" in failed.look_at


def test_a_success_of_another_kind_is_a_failure(tried: Tried) -> None:
    """A route that is mixed up answers 200, but not what was asked."""
    tried.change = lambda call, given: replace(given, status=200) if call.path == "/accounts" else given
    assert tried.run()["open"].what == "POST /accounts answered 200"


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"  # bound, and nobody listens
        api = Api(url, credentials=CREDENTIALS, region="eu-central-1", correlation_id=RUN)
        with pytest.raises(StepFailedError) as failed:
            api.call(OPERATIONS[0], body={})
    assert failed.value.what == "POST /accounts got no answer"
    assert "ConnectionRefusedError" in failed.value.why


def test_the_steps_are_told_in_order(tried: Tried) -> None:
    told: list[str] = []
    run_steps(tried.account().steps(), ended=lambda each: told.append(each.name))
    assert told[:3] == ["open", "credit", "withdraw"]
