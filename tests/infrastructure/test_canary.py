"""The canary: its role, what that may call, its schedule and its alarms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stacks.environment import DEV, LOCAL, PROD, STAGING
from tests.infrastructure.permissions import allowed, path_of, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize, synthesized_once

ACCOUNT = "accounts/????????-????-????-????-????????????"
ALARM = "AWS::CloudWatch::Alarm"


@pytest.fixture(scope="module")
def prod(shared: Path) -> Synthesized:
    return synthesized_once(shared, PROD.name, lambda outdir: synthesize(PROD.name, outdir=outdir))


@pytest.fixture(scope="module")
def reading_only(shared: Path) -> Synthesized:
    """`prod` during a restore."""
    config = replace(PROD, writes=False)
    return synthesized_once(
        shared, "prod-canary-off", lambda outdir: synthesize(PROD.name, outdir=outdir, config=config)
    )


def canary(of: Synthesized) -> Deployable:
    assert of.canary is not None
    return of.canary


def caller(of: Synthesized) -> Deployable:
    assert of.canary_caller is not None
    return of.canary_caller


def alarm(of: Synthesized, name: str) -> dict[str, Any]:
    stack = canary(of)
    (found,) = [
        each["Properties"] for key, each in stack.resources(ALARM).items() if path_of(stack, key).endswith(f"/{name}")
    ]
    return dict(found)


def test_staging_and_prod_have_one_and_the_others_none() -> None:
    assert {each.name: each.canary_minutes for each in (LOCAL, DEV, STAGING, PROD)} == {
        "local": 0, "dev": 0, "staging": 5, "prod": 5
    }  # fmt: skip


def test_without_one_nothing_of_it_is_there(local: Synthesized) -> None:
    assert (local.canary, local.canary_caller) == (None, None)
    variables = _variables(local, local.api)
    assert variables["TEST_CALLERS"] == ",".join(local.config.test_callers)


@pytest.mark.parametrize("minutes", [-1, 6])
def test_its_alarm_on_silence_bounds_how_rarely_it_runs(minutes: int) -> None:
    with pytest.raises(ValueError, match="every 1 to 5 minutes"):
        replace(PROD, canary_minutes=minutes)


def test_api_and_processor_take_its_role_as_a_test_caller(prod: Synthesized) -> None:
    for stack in (prod.api, prod.commands):
        (reference,) = [each["TEST_CALLERS"] for each in _all_variables(stack) if "TEST_CALLERS" in each]
        where, value = prod.meant(reference) or (None, {})
        assert where is caller(prod)
        assert value["Fn::GetAtt"][1] == "RoleId", "what the API knows a caller by"
        assert caller(prod).name in prod.dependencies[stack.name]


def test_its_role_may_call_the_operations_of_its_steps_and_nothing_else(prod: Synthesized) -> None:
    may = policy_allows(prod, prod.api, "Api/MayBeCanary")
    routes = {resource.partition(">/v1/")[2] for resource in may}
    assert routes == {
        "POST/accounts", f"POST/{ACCOUNT}/credit", f"POST/{ACCOUNT}/withdraw", f"GET/{ACCOUNT}",
        f"POST/{ACCOUNT}/commands", f"GET/{ACCOUNT}/commands/*",
    }  # fmt: skip
    assert set().union(*may.values()) == {"execute-api:Invoke"}
    (policy,) = [
        each["Properties"] for each in prod.api.resources("AWS::IAM::ManagedPolicy").values()
        if each["Properties"].get("Roles")
    ]  # fmt: skip
    assert [rendered(prod, prod.api, each) for each in policy["Roles"]] == ["<CanaryCaller/Role>"]


def test_its_role_may_write_its_log_and_send_traces_besides(prod: Synthesized) -> None:
    stack = canary(prod)
    actions = set()
    for policy in stack.resources("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            named = statement["Action"]
            actions |= {named} if isinstance(named, str) else set(named)
    assert actions == {
        "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
        "lambda:InvokeFunction",
    }  # fmt: skip
    assert allowed(prod, stack, "Canary/Often/Role") == {"<Canary/Canary/Live>": {"lambda:InvokeFunction"}}
    assert trusted(prod, caller(prod), "CanaryCaller/Role") == "lambda.amazonaws.com"
    assert stack.resources("AWS::IAM::Role").keys() == {
        key for key in stack.resources("AWS::IAM::Role") if "Often" in path_of(stack, key)
    }


def test_the_function_learns_where_the_api_is_and_starts_without_a_snapshot(prod: Synthesized) -> None:
    _, function = canary(prod).only("AWS::Lambda::Function")
    properties = function["Properties"]
    url = rendered(prod, canary(prod), properties["Environment"]["Variables"]["API_URL"])
    assert url == "https://<Api/Rest/Api>.execute-api.<Region>.<URLSuffix>/<Api/Rest/Api/DeploymentStage.v1>"
    assert rendered(prod, canary(prod), properties["Role"]).count("CanaryCaller/Role") == 1
    assert "SnapStart" not in properties
    assert "ReservedConcurrentExecutions" not in properties
    assert properties["Timeout"] == 180


def test_it_runs_every_five_minutes_and_is_not_repeated(prod: Synthesized) -> None:
    _, schedule = canary(prod).only("AWS::Scheduler::Schedule")
    assert schedule["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule["Properties"]["State"] == "ENABLED"
    assert schedule["Properties"]["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    _, asynchronous = canary(prod).only("AWS::Lambda::EventInvokeConfig")
    assert asynchronous["Properties"]["MaximumRetryAttempts"] == 0


def test_each_minute_is_a_rate_of_one(shared: Path) -> None:
    config = replace(PROD, canary_minutes=1)
    found = synthesized_once(
        shared, "prod-canary-1", lambda outdir: synthesize(PROD.name, outdir=outdir, config=config)
    )
    _, schedule = canary(found).only("AWS::Scheduler::Schedule")
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 minute)"


def test_a_failed_run_raises_an_alarm_and_so_does_silence(prod: Synthesized) -> None:
    failed, silent = alarm(prod, "CanaryFailed"), alarm(prod, "CanarySilent")
    assert (failed["Namespace"], failed["MetricName"], failed["Threshold"]) == ("AWS/Lambda", "Errors", 1)
    assert (silent["Namespace"], silent["MetricName"], silent["Period"]) == ("daybook", "CanarySucceeded", 300)
    assert {each["Name"]: each["Value"] for each in silent["Dimensions"]} == {
        "service": "daybook", "environment": "prod"
    }  # fmt: skip
    assert silent["EvaluationPeriods"] == 3
    assert silent["InsufficientDataActions"], "it says nothing before the first run, and calls when data ends"
    assert silent["ActionsEnabled"] is True


def test_while_writes_are_off_it_rests_and_its_silence_calls_nobody(reading_only: Synthesized) -> None:
    _, schedule = canary(reading_only).only("AWS::Scheduler::Schedule")
    assert schedule["Properties"]["State"] == "DISABLED"
    assert alarm(reading_only, "CanarySilent")["ActionsEnabled"] is False


def _all_variables(stack: Deployable) -> list[dict[str, Any]]:
    functions = stack.resources("AWS::Lambda::Function").values()
    return [each["Properties"].get("Environment", {}).get("Variables", {}) for each in functions]


def _variables(of: Synthesized, stack: Deployable) -> dict[str, str]:
    (found,) = _all_variables(stack)
    return {name: rendered(of, stack, value) for name, value in found.items()}
