"""The daily report's function, its schedule and its alarms."""

from pathlib import Path

from lambdas.projections.registry import PROJECTIONS
from tests.infrastructure.permissions import Allowed, allowed, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import REPOSITORY, Synthesized

FUNCTION = "AWS::Lambda::Function"
SCHEDULE = "AWS::Scheduler::Schedule"
ROLE = "Reports/DailyReport/Role"


def merged(*parts: Allowed) -> Allowed:
    """All of what the parts allow."""
    found: Allowed = {}
    for part in parts:
        for resource, actions in part.items():
            found.setdefault(resource, set()).update(actions)
    return found


def test_the_function_may_query_and_write_reports_and_no_more(anywhere: Synthesized) -> None:
    own: Allowed = {
        "<Lake/Results/Bucket>/reports/*": {"s3:PutObject"},
        "<Lake/Key> via s3": {"kms:GenerateDataKey"},
        "<Reports/DailyReport/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    }
    querying = policy_allows(anywhere, anywhere.lake, "Lake/MayQuery")
    assert allowed(anywhere, anywhere.reports, ROLE) == merged(querying, own)
    assert trusted(anywhere, anywhere.reports, ROLE) == "lambda.amazonaws.com"


def test_it_runs_once_a_day_through_the_live_alias(anywhere: Synthesized) -> None:
    _, schedule = anywhere.reports.only(SCHEDULE)
    alias_id, _ = anywhere.reports.only("AWS::Lambda::Alias")
    properties = schedule["Properties"]
    assert properties["ScheduleExpression"] == "cron(30 1 * * ? *)"
    assert properties["ScheduleExpressionTimezone"] == "UTC"
    assert properties["Target"]["Arn"] == {"Ref": alias_id}
    assert properties["Target"]["Input"] == "{}"
    assert properties["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}


def test_the_scheduler_may_invoke_that_alias_only(anywhere: Synthesized) -> None:
    may = allowed(anywhere, anywhere.reports, "Reports/Daily/Role")
    assert may == {"<Reports/DailyReport/Live>": {"lambda:InvokeFunction"}}
    assert trusted(anywhere, anywhere.reports, "Reports/Daily/Role") == "scheduler.amazonaws.com"


def test_the_function_learns_where_to_ask_and_to_write(anywhere: Synthesized) -> None:
    _, function = anywhere.reports.only(FUNCTION)
    variables = function["Properties"]["Environment"]["Variables"]
    assert {name: rendered(anywhere, anywhere.reports, value) for name, value in variables.items()} == {
        "ATHENA_WORKGROUP": "<Lake/Queries/Workgroup>",
        "GLUE_DATABASE": "<Lake/Database>",
        "REPORT_BUCKET": "<Lake/Results/Bucket>",
        "ENVIRONMENT": anywhere.config.name,
        "LEDGER_GENERATION": "1",
        "POWERTOOLS_SERVICE_NAME": "daybook",
        "POWERTOOLS_METRICS_NAMESPACE": "daybook",
        "POWERTOOLS_LOG_LEVEL": anywhere.config.log_level,
    }
    assert function["Properties"]["Timeout"] == 15 * 60


def test_a_report_that_fails_or_is_not_even_begun_raises_an_alarm(anywhere: Synthesized) -> None:
    anywhere.reports.template.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Threshold": 1, "Statistic": "Sum"}
    )
    anywhere.reports.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "Invocations",
            "ComparisonOperator": "LessThanThreshold",
            "Threshold": 1,
            "Period": 3600,
            "EvaluationPeriods": 26,
            "TreatMissingData": "missing",
        },
    )


def test_events_missing_in_the_lake_raise_an_alarm(anywhere: Synthesized) -> None:
    anywhere.reports.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "daybook",
            "MetricName": "EventsMissingInLake",
            "Dimensions": [
                {"Name": "environment", "Value": anywhere.config.name},
                {"Name": "service", "Value": "daybook"},
            ],
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1,
            "Statistic": "Sum",
        },
    )


def test_every_handler_of_every_stack_is_a_file_with_that_function(anywhere: Synthesized) -> None:
    handlers = [
        each["Properties"]["Handler"] for stack in anywhere.stacks for each in stack.resources(FUNCTION).values()
    ]
    assert len(handlers) == (6 if anywhere.canary else 5) + 3 + 2 * len(PROJECTIONS)
    for handler in handlers:
        module, _, name = handler.rpartition(".")
        source = Path(REPOSITORY, *module.split(".")).with_suffix(".py")
        assert f"def {name}(" in source.read_text(), f"{module} defines no function {name}"


def test_operators_may_run_it_by_hand_and_find_it(anywhere: Synthesized) -> None:
    outputs = anywhere.reports.body["Outputs"]
    function_id, _ = anywhere.reports.only(FUNCTION)
    alias_id, _ = anywhere.reports.only("AWS::Lambda::Alias")
    assert outputs["DailyReportName"]["Value"] == {"Ref": function_id}
    assert rendered(anywhere, anywhere.reports, outputs["DailyReportPolicyArn"]["Value"]) == "<Reports/MayRun>"
    alias = rendered(anywhere, anywhere.reports, {"Ref": alias_id})
    assert policy_allows(anywhere, anywhere.reports, "Reports/MayRun") == {alias: {"lambda:InvokeFunction"}}
