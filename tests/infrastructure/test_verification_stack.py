"""The verification in AWS: what it may read, when it begins, and what raises an alarm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lambdas.projections.registry import PROJECTIONS
from stacks.environment import ENVIRONMENTS, MOST_SILENT_HOURS
from stacks.projections import pascal
from tests.infrastructure.permissions import Allowed, allowed, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import Synthesized
from tests.infrastructure.test_reports_stack import merged

FUNCTION, SCHEDULE, ALARM = "AWS::Lambda::Function", "AWS::Scheduler::Schedule", "AWS::CloudWatch::Alarm"
MACHINE = "AWS::StepFunctions::StateMachine"
TABLES: Allowed = {
    "<Ledger/Events/Table>": {"dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"},
    "<Ledger/Receipts/Table>": {"dynamodb:Scan"},
    "<Ledger/Commands/Table>": {"dynamodb:GetItem", "dynamodb:Scan"},
    "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
}
READ_MODELS: Allowed = {
    **{
        f"<Projections/{pascal(each.name)}/ReadModel/Table>": {
            f"dynamodb:{action}" for action in ("BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan")
        }
        for each in PROJECTIONS
    },
    **{f"<Projections/{pascal(each.name)}/ReadModel/Table>/index/stopped": {"dynamodb:Query"} for each in PROJECTIONS},
    "<DomainEvents/Key> via dynamodb": {"kms:Decrypt"},
}


@pytest.fixture(params=[name for name, each in ENVIRONMENTS.items() if each.verification_schedule])
def scheduled(request: pytest.FixtureRequest, environments: Mapping[str, Synthesized]) -> Synthesized:
    """Each environment in turn that verifies by itself."""
    if request.param not in environments:
        pytest.skip("a check synthesizes one of the environments")
    return environments[request.param]


def alarm(of: Synthesized, name: str) -> dict[str, Any]:
    """The properties of an alarm of the verification stack."""
    [found] = [
        each["Properties"]
        for each in of.verification.resources(ALARM).values()
        if each["Properties"]["AlarmName"].endswith(f"-{name}")
    ]
    return dict(found)


def test_the_function_reads_everything_and_writes_its_findings_only(anywhere: Synthesized) -> None:
    own: Allowed = {
        **TABLES,
        "<Lake/Results/Bucket>": {"s3:ListBucket"},
        "<Lake/Results/Bucket>/verification/*": {"s3:GetObject", "s3:PutObject"},
        "<Lake/Key> via s3": {"kms:Decrypt", "kms:GenerateDataKey"},
        "<Transparency/Signing/Key>": {"kms:Verify"},
        "<Verification/Verifier/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    }
    parts = (
        policy_allows(anywhere, anywhere.lake, "Lake/MayQuery"),
        policy_allows(anywhere, anywhere.transparency, "Transparency/MayReadLog"),
    )
    may = allowed(anywhere, anywhere.verification, "Verification/Verifier/Role")
    assert may == merged(*parts, own)
    writing = {where for where, actions in may.items() if any(":Put" in each for each in actions) and where != "*"}
    assert writing == {
        "<Lake/Results/Bucket>/verification/*",
        "<Lake/Results/Bucket>/athena/*",
        "<Verification/Verifier/Logs>",
    }


def test_the_function_learns_where_everything_is(anywhere: Synthesized) -> None:
    _, function = anywhere.verification.only(FUNCTION)
    variables = dict(function["Properties"]["Environment"]["Variables"])
    told = {key: rendered(anywhere, anywhere.verification, value) for key, value in variables.items()}
    assert told == {
        "EVENT_TABLE": "<Ledger/Events/Table>",
        "RECEIPTS_TABLE": "<Ledger/Receipts/Table>",
        "COMMANDS_TABLE": "<Ledger/Commands/Table>",
        "LOG_BUCKET": "<Transparency/Log/Bucket>",
        "LOG_INDEX_TABLE": "<Transparency/Index/Table>",
        "LOG_KEY": "<Transparency/Signing/Key>",
        "ATHENA_WORKGROUP": "<Lake/Queries/Workgroup>",
        "GLUE_DATABASE": "<Lake/Database>",
        "RESULTS_BUCKET": "<Lake/Results/Bucket>",
        "PENDING_HOURS": "24",
        "SETTLE_MINUTES": "60",
        "ENVIRONMENT": anywhere.config.name,
        "LEDGER_GENERATION": "1",
        "POWERTOOLS_SERVICE_NAME": "daybook",
        "POWERTOOLS_METRICS_NAMESPACE": "daybook",
        "POWERTOOLS_LOG_LEVEL": anywhere.config.log_level,
    }


def test_a_step_that_fails_is_tried_again_whatever_its_error(anywhere: Synthesized) -> None:
    _, machine = anywhere.verification.only(MACHINE)
    definition = json.loads(rendered(anywhere, anywhere.verification, machine["Properties"]["DefinitionString"]))
    for state in (
        definition["States"]["Segments"]["ItemProcessor"]["States"]["Walk"],
        definition["States"]["Settle"],
    ):
        assert [each["ErrorEquals"] for each in state["Retry"]] == [
            ["Lambda.TooManyRequestsException"],
            ["States.ALL"],
        ], "an entry without an error would be refused"
    assert definition["States"]["Segments"]["MaxConcurrency"] == anywhere.config.rebuild_concurrency


def test_it_begins_every_sixth_day_as_a_run_of_its_own_over_all_segments(scheduled: Synthesized) -> None:
    _, schedule = scheduled.verification.only(SCHEDULE)
    properties, segments = schedule["Properties"], scheduled.config.rebuild_segments
    assert properties["ScheduleExpression"] == "cron(0 3 1/6 * ? *)"
    assert rendered(scheduled, scheduled.verification, properties["Target"]["Arn"]) == "<Verification/Walk/Machine>"
    assert json.loads(properties["Target"]["Input"]) == {
        "generation": 0,
        "rebuild": "<aws.scheduler.execution-id>",
        "segments": [{"segment": each} for each in range(segments)],
        "count": segments,
    }


def test_the_scheduler_may_start_that_machine_only(scheduled: Synthesized) -> None:
    may = allowed(scheduled, scheduled.verification, "Verification/Regularly/Role")
    assert may == {"<Verification/Walk/Machine>": {"states:StartExecution"}}
    assert trusted(scheduled, scheduled.verification, "Verification/Regularly/Role") == "scheduler.amazonaws.com"


def test_nothing_begins_by_itself_where_nobody_said_when(local: Synthesized) -> None:
    assert {name for name, each in ENVIRONMENTS.items() if each.verification_schedule} == {"staging", "prod"}
    assert not local.verification.resources(SCHEDULE)


def test_findings_and_runs_that_do_not_end_well_raise_an_alarm(anywhere: Synthesized) -> None:
    found = alarm(anywhere, "Findings")
    assert (found["Namespace"], found["MetricName"], found["Threshold"]) == ("daybook", "VerificationFindings", 1)
    for name, metric in (("Failed", "ExecutionsFailed"), ("TimedOut", "ExecutionsTimedOut")):
        each = alarm(anywhere, f"Verification{name}")
        assert each["MetricName"] == metric
        [dimension] = each["Dimensions"]
        assert rendered(anywhere, anywhere.verification, dimension["Value"]) == "<Verification/Walk/Machine>"


def test_silence_raises_one_and_looks_back_as_far_as_an_alarm_can(scheduled: Synthesized) -> None:
    silent = alarm(scheduled, "VerificationMissing")
    assert silent["MetricName"] == "ExecutionsSucceeded"
    assert silent["Period"] * silent["EvaluationPeriods"] == 3600 * MOST_SILENT_HOURS == 7 * 24 * 3600
    assert silent["TreatMissingData"] == "missing"


def test_operators_read_all_tables_and_may_start_the_same(anywhere: Synthesized) -> None:
    may = policy_allows(anywhere, anywhere.verification, "Verification/MayVerify")
    of_tables = {where: actions for where, actions in may.items() if "Table>" in where or "Key> via" in where}
    described: Allowed = {
        f"<Ledger/{each}/Table>": {"dynamodb:DescribeTable"} for each in ("Events", "Receipts", "Commands")
    }
    assert of_tables == merged(TABLES, READ_MODELS, described)
    others = {action for where in may.keys() - of_tables.keys() for action in may[where]}
    assert others == {
        f"states:{each}"
        for each in ("StartExecution", "StopExecution", "DescribeExecution", "ListMapRuns", "ListExecutions")
    }
    outputs = anywhere.verification.body["Outputs"]
    assert rendered(anywhere, anywhere.verification, outputs["VerifyPolicyArn"]["Value"]) == "<Verification/MayVerify>"
    assert rendered(anywhere, anywhere.verification, outputs["VerificationArn"]["Value"]) == (
        "<Verification/Walk/Machine>"
    )
