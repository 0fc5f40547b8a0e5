"""The state machine of a rebuild: what it does, in which bounds, and what it may do."""

import json
from typing import Any

import pytest

from constructs_lib.segment_walk import LONGEST
from lambdas.projections.errors import ControlError, RebuildRunningError
from stacks.environment import MOST_SEGMENTS
from tests.infrastructure.permissions import Allowed, allowed, rendered, role_of
from tests.infrastructure.synthesis import Synthesized
from tests.infrastructure.test_projections_stack import FUNCTION, IDS, MACHINE, at

HISTORY_EVENTS = 25_000
STEP_EVENTS = 7
"""TaskStateEntered, TaskScheduled, TaskStarted, TaskSucceeded, TaskStateExited, and the choice's two."""


@pytest.fixture(params=IDS)
def one(request: pytest.FixtureRequest) -> str:
    """The construct id of each projection in turn."""
    name: str = request.param
    return name


def definition(environment: Synthesized, one: str) -> dict[str, Any]:
    text = rendered(environment, environment.projections, at(environment, MACHINE, one)["DefinitionString"])
    found: dict[str, Any] = json.loads(text)
    return found


def step(one: str) -> dict[str, Any]:
    """A call of the rebuild function, repeated on whatever may pass and on nothing that stays."""
    pauses = {"IntervalSeconds": 2, "BackoffRate": 2, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}
    return {
        "Type": "Task",
        "Resource": "arn:<Partition>:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"<Projections/{one}/Rebuild/Live>", "Payload.$": "$.event"},
        "ResultSelector": {"done.$": "$.Payload.done"},
        "ResultPath": "$.answer",
        "TimeoutSeconds": 960,
        "Retry": [
            {"ErrorEquals": [RebuildRunningError.__name__, ControlError.__name__], "MaxAttempts": 0},
            {"ErrorEquals": ["Lambda.TooManyRequestsException"], **pauses, "MaxAttempts": 120},
            {"ErrorEquals": ["States.ALL"], **pauses, "MaxAttempts": 6},
        ],
    }


def repeated(name: str, one: str) -> dict[str, Any]:
    return {
        name: {**step(one), "Next": f"Is{name}Done"},
        f"Is{name}Done": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.answer.done", "BooleanEquals": True, "Next": f"{name}Done"}],
            "Default": name,
        },
        f"{name}Done": {"Type": "Succeed", "OutputPath": "$.answer"},
    }


def test_all_segments_are_walked_until_done_and_then_what_was_left_is_settled(anywhere: Synthesized, one: str) -> None:
    whose = {"generation.$": "$.generation", "rebuild.$": "$.rebuild"}
    segment = {"segment.$": "$$.Map.Item.Value.segment", "segments.$": "$.count"}
    assert definition(anywhere, one) == {
        "StartAt": "Segments",
        "TimeoutSeconds": 14 * 86_400,
        "States": {
            "Segments": {
                "Type": "Map",
                "Label": "Segments",
                "ItemsPath": "$.segments",
                "ItemSelector": {"event": {"step": "walk", **whose, **segment}},
                "MaxConcurrency": anywhere.config.rebuild_concurrency,
                "ToleratedFailureCount": 0,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Walk",
                    "States": repeated("Walk", one),
                },
                "ResultPath": "$.walked",
                "Next": "Walked",
            },
            "Walked": {"Type": "Pass", "Parameters": {"event": {"step": "settle", **whose}}, "Next": "Settle"},
            **repeated("Settle", one),
        },
    }


def test_no_failure_is_caught(anywhere: Synthesized, one: str) -> None:
    """What is caught ends well, and no alarm says that the generation lacks a segment."""
    assert "Catch" not in json.dumps(definition(anywhere, one))


def test_a_step_ends_within_the_functions_time_and_all_of_them_within_a_history(anywhere: Synthesized) -> None:
    timeout = at(anywhere, FUNCTION, f"{IDS[0]}/Rebuild")["Timeout"]
    assert timeout < step(IDS[0])["TimeoutSeconds"], "Lambda's own timeout says more"
    least = timeout / 2  # `BEGUN_IN` of the function
    assert LONGEST.to_seconds() < HISTORY_EVENTS / STEP_EVENTS * least, "the history would end it, and not the timeout"


def test_the_segments_of_any_environment_fit_into_a_state() -> None:
    """256 KB. Source: Step Functions Developer Guide, "Quotas for Step Functions"."""
    segments = [{"segment": number} for number in range(MOST_SEGMENTS)]
    assert len(json.dumps([segments, [{"done": True}] * MOST_SEGMENTS])) < 64 * 1024


def test_it_is_logged_whole_and_traced(anywhere: Synthesized, one: str) -> None:
    found = at(anywhere, MACHINE, one)
    logging = found["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", True)
    [destination] = logging["Destinations"]
    group = rendered(anywhere, anywhere.projections, destination["CloudWatchLogsLogGroup"]["LogGroupArn"])
    assert group == f"<Projections/{one}/Walk/Logs>"
    assert found["TracingConfiguration"] == {"Enabled": True}
    assert found["StateMachineType"] == "STANDARD", "an express execution ends after five minutes"


def test_it_may_call_its_function_start_its_own_segments_and_no_more(anywhere: Synthesized, one: str) -> None:
    walk = f"Projections/{one}/Walk/Machine"
    expected: Allowed = {
        f"<Projections/{one}/Rebuild/Live>": {"lambda:InvokeFunction"},
        f"<{walk}>": {"states:StartExecution"},
        f"arn:<Partition>:states:<Region>:<AccountId>:execution:<{walk}>:*": {
            "states:DescribeExecution",
            "states:StopExecution",
        },
        "*": {
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        },
    }
    assert allowed(anywhere, anywhere.projections, f"Projections/{one}/Walk/Role") == expected


def test_it_is_created_after_its_rights_to_log_and_to_trace(anywhere: Synthesized, one: str) -> None:
    """Step Functions refuses a machine that may not log."""
    stack = anywhere.projections
    role_id, _ = role_of(stack, f"Projections/{one}/Walk/Role")
    wide = {
        name
        for name, each in stack.resources("AWS::IAM::Policy").items()
        if {"Ref": role_id} in each["Properties"]["Roles"]
        and {one["Resource"] for one in each["Properties"]["PolicyDocument"]["Statement"] if one["Resource"] == "*"}
    }
    [machine] = [
        each
        for name, each in stack.resources(MACHINE).items()
        if rendered(anywhere, stack, {"Ref": name}) == f"<Projections/{one}/Walk/Machine>"
    ]
    assert len(wide) == 2
    assert wide <= set(machine["DependsOn"])
