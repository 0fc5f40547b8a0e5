"""Every metric of an alarm or a graph exists, with just these dimensions: somebody writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tests.infrastructure.metrics import Used, access_log, from_logs, matches, used, widgets
from tests.infrastructure.synthesis import Synthesized
from tests.support.emitted_metrics import Emitted, emitted, run_every_function
from tests.support.function_variables import EVERY_FUNCTION

OWN = "daybook"


class Page(NamedTuple):
    """What a page of AWS's documentation says: metrics by their names, each with the sets of dimensions it has."""

    title: str
    metrics: Mapping[str, tuple[set[str], ...]]


FUNCTION = ({"FunctionName"}, {"FunctionName", "Resource"}, {"FunctionName", "Resource", "ExecutedVersion"})
TABLE, INDEX = {"TableName"}, {"TableName", "GlobalSecondaryIndexName"}
DOCUMENTED = {
    "AWS/ApiGateway": Page(
        'API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"',
        dict.fromkeys(
            ("4XXError", "5XXError", "Count", "Latency"),
            ({"ApiName", "Stage"}, {"ApiName", "Stage", "Method", "Resource"}),
        ),
    ),
    "AWS/Athena": Page(
        'Athena User Guide, "Monitor Athena query metrics with CloudWatch"',
        {"ProcessedBytes": ({"QueryState", "QueryType", "WorkGroup"},)},
    ),
    "AWS/Backup": Page(
        'AWS Backup Developer Guide, "AWS Backup metrics with Amazon CloudWatch"; the sets of dimensions are not told',
        dict.fromkeys(
            (f"NumberOfBackupJobs{state}" for state in ("Aborted", "Completed", "Expired", "Failed")),
            ({"BackupVaultName"}, {"BackupVaultName", "ResourceType"}),
        ),
    ),
    "AWS/DynamoDB": Page(
        'DynamoDB Developer Guide, "DynamoDB metrics and dimensions"',
        {
            "ConditionalCheckFailedRequests": (TABLE,),
            "ConsumedReadCapacityUnits": (TABLE, INDEX),
            "ConsumedWriteCapacityUnits": (TABLE, INDEX),
            "ReadThrottleEvents": (TABLE, INDEX),
            "SuccessfulRequestLatency": ({"TableName", "Operation"},),
            "SystemErrors": ({"TableName", "Operation"},),
            "TransactionConflict": (TABLE,),
            "WriteThrottleEvents": (TABLE, INDEX),
        },
    ),
    "AWS/Firehose": Page(
        'Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics"',
        dict.fromkeys(
            (
                "DeliveryToS3.DataFreshness",
                "FailedConversion.Records",
                "KinesisMillisBehindLatest",
                "SucceedConversion.Records",
                "ThrottledGetRecords",
                "ThrottledGetShardIterator",
            ),
            ({"DeliveryStreamName"},),
        ),
    ),
    "AWS/Kinesis": Page(
        'Kinesis Developer Guide, "Monitor the Amazon Kinesis Data Streams service with Amazon CloudWatch"',
        dict.fromkeys(
            (
                "GetRecords.Bytes",
                "IncomingBytes",
                "IncomingRecords",
                "ReadProvisionedThroughputExceeded",
                "WriteProvisionedThroughputExceeded",
            ),
            ({"StreamName"},),
        ),
    ),
    "AWS/Lambda": Page(
        'Lambda Developer Guide, "Types of metrics for Lambda functions" and "Monitoring concurrency"',
        {
            "ClaimedAccountConcurrency": (set(),),
            "DestinationDeliveryFailures": FUNCTION,
            "DroppedEventCount": ({"EventSourceMappingUUID"},),
            "Duration": FUNCTION,
            "Errors": FUNCTION,
            "Invocations": FUNCTION,
            "IteratorAge": FUNCTION,
            "OnFailureDestinationDeliveredEventCount": ({"EventSourceMappingUUID"},),
            "Throttles": FUNCTION,
        },
    ),
    "AWS/SNS": Page(
        'Amazon SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch"',
        {"NumberOfNotificationsFailed": ({"TopicName"},)},
    ),
    "AWS/SQS": Page(
        'Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"',
        {"ApproximateNumberOfMessagesVisible": ({"QueueName"},)},
    ),
    "AWS/States": Page(
        'Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch"',
        dict.fromkeys(("ExecutionsFailed", "ExecutionsSucceeded", "ExecutionsTimedOut"), ({"StateMachineArn"},)),
    ),
    "AWS/Scheduler": Page(
        'EventBridge Scheduler User Guide, "Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch"',
        {"InvocationDroppedCount": ({"ScheduleGroup"},)},
    ),
}
NEITHER_ALARMED_NOR_SHOWN = {
    "ColdStart": "Powertools counts it by function name; a slow start shows in the latency",
    **dict.fromkeys(
        (f"Canary{step}Seconds" for step in ("Open", "Withdraw", "Version", "Moment", "Replay")),
        "three steps stand for all on the dashboard, and one that fails raises an alarm",
    ),
}
"""Metrics that functions write, and why nobody is told."""


def written_in(environment: Synthesized, written: set[Emitted]) -> set[Emitted]:
    """What functions write with this environment's variables, and what the access log becomes."""
    own = frozenset({("environment", environment.config.name)})
    other = frozenset({("environment", EVERY_FUNCTION["ENVIRONMENT"])})
    there = {each._replace(dimensions=each.dimensions - other | own) for each in written if other <= each.dimensions}
    return there | {Emitted(*each[:3]) for each, _ in from_logs(environment)}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> set[Emitted]:
    """Every metric that any function writes."""
    run_every_function(monkeypatch)
    return set(emitted(capsys.readouterr().out.splitlines()))


def own(environment: Synthesized) -> list[Used]:
    """The metrics of our own that somebody looks at."""
    return [each for each in used(environment) if each.namespace == OWN]


def test_every_metric_of_our_own_is_written_with_these_dimensions(anywhere: Synthesized, written: set[Emitted]) -> None:
    there = written_in(anywhere, written)
    assert len(own(anywhere)) > 20
    assert not [each for each in own(anywhere) if Emitted(*each[:3]) not in there]


def test_every_metric_that_a_function_writes_is_looked_at_or_has_a_reason(
    environments: Mapping[str, Synthesized], written: set[Emitted]
) -> None:
    unseen = {each.name for each in written} - {each.name for each in own(environments["prod"])}
    assert unseen == NEITHER_ALARMED_NOR_SHOWN.keys()


def test_functions_write_under_the_names_that_the_handlers_were_run_with(anywhere: Synthesized) -> None:
    """Their dimensions come from these variables."""
    for stack in anywhere.stacks:
        for each in stack.resources("AWS::Lambda::Function").values():
            variables = each["Properties"]["Environment"]["Variables"]
            for name in ("POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"):
                assert variables[name] == EVERY_FUNCTION[name] == OWN
            assert variables["ENVIRONMENT"] == anywhere.config.name


def test_every_metric_of_aws_is_documented_with_these_dimensions(anywhere: Synthesized) -> None:
    others = [each for each in used(anywhere) if each.namespace != OWN]
    assert len(others) > 80
    for each in others:
        page = DOCUMENTED[each.namespace]
        assert {name for name, _ in each.dimensions} in page.metrics[each.name], f"{each}: see {page.title}"


def test_nothing_is_in_that_list_that_nobody_looks_at(environments: Mapping[str, Synthesized]) -> None:
    looked_at = {(each.namespace, each.name) for one in environments.values() for each in used(one)}
    assert {(namespace, name) for namespace, page in DOCUMENTED.items() for name in page.metrics} <= looked_at


@pytest.mark.parametrize(
    ("status", "response_type", "counted"),
    [
        ("200", "-", set()),
        ("202", "-", set()),
        ("400", "BAD_REQUEST_BODY", set()),
        ("403", "MISSING_AUTHENTICATION_TOKEN", set()),
        ("422", "-", set()),
        ("429", "THROTTLED", {"RequestsThrottled"}),
        ("429", "QUOTA_EXCEEDED", {"RequestsThrottled"}),
        ("429", "-", set()),  # a stored command that collides with its own transaction
        ("500", "-", set()),  # the function counts these
        ("503", "-", set()),
        ("503", "INTEGRATION_FAILURE", {"GatewayErrors"}),
        ("503", "INTEGRATION_TIMEOUT", {"GatewayErrors"}),
        ("503", "DEFAULT_5XX", {"GatewayErrors"}),
    ],
)
def test_what_the_access_log_counts(anywhere: Synthesized, status: str, response_type: str, counted: set[str]) -> None:
    line = {**access_log(anywhere), "status": status, "responseType": response_type}
    assert {metric.name for metric, pattern in from_logs(anywhere) if matches(pattern, line)} == counted


def test_graphs_do_not_lie_over_each_other(anywhere: Synthesized) -> None:
    cells = [
        (x, y)
        for each in widgets(anywhere)
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
