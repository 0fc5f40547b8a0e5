"""The sealer's function, its schedule and its alarms. What its role may do: test_transparency_stack.py."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.environment import LOCAL
from tests.infrastructure.permissions import allowed, path_of, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import Synthesized

FUNCTION, SCHEDULE, ALARM = "AWS::Lambda::Function", "AWS::Scheduler::Schedule", "AWS::CloudWatch::Alarm"


def alarm(of: Synthesized, name: str) -> dict[str, Any]:
    """The properties of an alarm of the sealing stack."""
    [found] = [
        each["Properties"]
        for each in of.sealing.resources(ALARM).values()
        if each["Properties"]["AlarmName"].endswith(f"-{name}")
    ]
    return dict(found)


def test_the_function_seals_as_the_role_that_may_sign(anywhere: Synthesized) -> None:
    _, function = anywhere.sealing.only(FUNCTION)
    properties = function["Properties"]
    role = properties["Role"]["Fn::Join"][1]
    assert "role/" in str(role)
    assert "<Transparency/Sealer>" in rendered(anywhere, anywhere.sealing, properties["Role"])
    assert not anywhere.sealing.resources("AWS::IAM::Role").keys() - {
        name for name in anywhere.sealing.resources("AWS::IAM::Role") if "Often" in path_of(anywhere.sealing, name)
    }
    assert properties["Timeout"] == 15 * 60
    assert "ReservedConcurrentExecutions" not in properties, "two at once do no harm"


def test_beside_what_the_role_has_this_stack_grants_logs_and_traces_only(anywhere: Synthesized) -> None:
    granted: dict[str, set[str]] = {}
    for name, each in anywhere.sealing.resources("AWS::IAM::Policy").items():
        if "Often" in path_of(anywhere.sealing, name):
            continue
        for statement in each["Properties"]["PolicyDocument"]["Statement"]:
            where = rendered(anywhere, anywhere.sealing, statement["Resource"])
            granted.setdefault(where, set()).update(statement["Action"])
        assert [rendered(anywhere, anywhere.sealing, one) for one in each["Properties"]["Roles"]] == [
            "<Transparency/Sealer>"
        ]
    assert granted == {
        "<Sealing/Sealer/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    }


def test_the_function_learns_where_everything_is(anywhere: Synthesized) -> None:
    _, function = anywhere.sealing.only(FUNCTION)
    variables = function["Properties"]["Environment"]["Variables"]
    name = anywhere.config.name
    assert {key: rendered(anywhere, anywhere.sealing, value) for key, value in variables.items()} == {
        "LOG_BUCKET": "<Transparency/Log/Bucket>",
        "LOG_INDEX_TABLE": "<Transparency/Index/Table>",
        "LOG_KEY": "<Transparency/Signing/Key>",
        "LOG_TOPIC": "<Transparency/Checkpoints>",
        "LOG_ORIGIN_PREFIX": f"daybook/{name}/<AccountId>/<Region>",
        "ATHENA_WORKGROUP": "<Lake/Queries/Workgroup>",
        "GLUE_DATABASE": "<Lake/Database>",
        "SEAL_LOOKBACK_DAYS": "1",
        "SEAL_HOLE_MINUTES": "60",
        "ENVIRONMENT": name,
        "LEDGER_GENERATION": "1",
        "POWERTOOLS_SERVICE_NAME": "daybook",
        "POWERTOOLS_METRICS_NAMESPACE": "daybook",
        "POWERTOOLS_LOG_LEVEL": anywhere.config.log_level,
    }


def test_it_seals_every_hour_in_the_cloud_through_the_live_alias(cloud: Synthesized) -> None:
    _, schedule = cloud.sealing.only(SCHEDULE)
    properties = schedule["Properties"]
    assert (properties["ScheduleExpression"], properties["State"]) == ("rate(1 hour)", "ENABLED")
    assert rendered(cloud, cloud.sealing, properties["Target"]["Arn"]) == "<Sealing/Sealer/Live>"
    assert properties["Target"]["Input"] == "{}"
    may = allowed(cloud, cloud.sealing, "Sealing/Often/Role")
    assert may == {"<Sealing/Sealer/Live>": {"lambda:InvokeFunction"}}
    assert trusted(cloud, cloud.sealing, "Sealing/Often/Role") == "scheduler.amazonaws.com"


def test_on_the_emulator_nothing_is_sealed_by_itself(local: Synthesized) -> None:
    assert LOCAL.seal_schedule == ""
    assert not local.sealing.resources(SCHEDULE)


def test_a_run_that_failed_is_not_repeated_by_lambda(anywhere: Synthesized) -> None:
    """The next one goes on with what it began, and an alarm has told of it."""
    _, config = anywhere.sealing.only("AWS::Lambda::EventInvokeConfig")
    assert config["Properties"]["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize(("name", "metric"), [("Fork", "LogForks"), ("Hole", "LogHoles"), ("Conflict", "LogConflicts")])
def test_what_must_not_be_raises_an_alarm(anywhere: Synthesized, name: str, metric: str) -> None:
    found = alarm(anywhere, name)
    assert (found["Namespace"], found["MetricName"], found["Threshold"], found["EvaluationPeriods"]) == (
        "daybook",
        metric,
        1,
        1,
    )
    assert found["TreatMissingData"] == "notBreaching"


def test_silence_and_failure_raise_one(cloud: Synthesized) -> None:
    silent = alarm(cloud, "SealMissing")
    assert (silent["MetricName"], silent["Period"], silent["EvaluationPeriods"], silent["TreatMissingData"]) == (
        "Invocations",
        3600,
        4,
        "missing",
    )
    assert alarm(cloud, "SealFailed")["MetricName"] == "Errors"
    assert alarm(cloud, "SealNotStarted")["MetricName"] == "InvocationDroppedCount"


def test_operators_may_seal_by_hand_and_sign_nothing_themselves(anywhere: Synthesized) -> None:
    outputs = anywhere.sealing.body["Outputs"]
    function_id, _ = anywhere.sealing.only(FUNCTION)
    assert outputs["SealerName"]["Value"] == {"Ref": function_id}
    assert rendered(anywhere, anywhere.sealing, outputs["SealPolicyArn"]["Value"]) == "<Sealing/MayRun>"
    assert policy_allows(anywhere, anywhere.sealing, "Sealing/MayRun") == {
        "<Sealing/Sealer/Live>": {"lambda:InvokeFunction"}
    }
