"""What is watched of the environment as a whole: keys, the account's concurrency, and the gateway's latency."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infrastructure.permissions import rendered
from tests.infrastructure.synthesis import Resource, Synthesized

ALARM = "AWS::CloudWatch::Alarm"
TABLES = ("Events", "Receipts", "Commands", "CommandsIndex")


def alarm(environment: Synthesized, name: str) -> Resource:
    """Properties of the alarm of that name, without the environment."""
    [found] = [
        each["Properties"]
        for stack in environment.stacks
        for each in stack.resources(ALARM).values()
        if each["Properties"]["AlarmName"] == f"Daybook-{environment.config.name}-{name}"
    ]
    return dict(found)


def test_requests_about_every_key_of_every_stack_are_noticed(anywhere: Synthesized) -> None:
    _, rule = anywhere.watch.only("AWS::Events::Rule")
    pattern = rule["Properties"]["EventPattern"]
    keys = {
        f"<{name}>"
        for stack in anywhere.stacks
        for name in (rendered(anywhere, stack, {"Ref": each})[1:-1] for each in stack.resources("AWS::KMS::Key"))
    }
    assert {rendered(anywhere, anywhere.watch, each) for each in pattern["detail"]["resources"]["ARN"]} == keys
    assert pattern["source"] == ["aws.kms"]
    assert pattern["detail-type"] == ["AWS API Call via CloudTrail"]
    assert pattern["detail"]["eventName"] == ["DisableKey", "ScheduleKeyDeletion"]


def test_they_wait_in_a_queue_that_needs_no_key_and_hold_the_alarm(anywhere: Synthesized) -> None:
    queue_id, queue = anywhere.watch.only("AWS::SQS::Queue")
    _, rule = anywhere.watch.only("AWS::Events::Rule")
    assert [each["Arn"] for each in rule["Properties"]["Targets"]] == [{"Fn::GetAtt": [queue_id, "Arn"]}]
    assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert "KmsMasterKeyId" not in queue["Properties"]
    watching = alarm(anywhere, "Watch-Keys-Endangered")
    assert watching["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert watching["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue_id, "QueueName"]}}]


def test_the_accounts_concurrency_is_watched_against_its_quota(cloud: Synthesized) -> None:
    watching = alarm(cloud, "Watch-AccountConcurrency")
    assert watching["Threshold"] == pytest.approx(0.8 * cloud.config.account_concurrency)
    assert (watching["MetricName"], watching["Statistic"]) == ("ClaimedAccountConcurrency", "Maximum")
    assert "Dimensions" not in watching


@pytest.mark.parametrize(
    ("name", "metric", "periods"),
    [("Api-RequestsSlow", "Latency", 3), ("Api-FunctionSlow", "Duration", 3)],
)
def test_one_slow_request_in_a_hundred_is_heard_if_it_goes_on(
    anywhere: Synthesized, name: str, metric: str, periods: int
) -> None:
    watching = alarm(anywhere, name)
    assert (watching["MetricName"], watching["ExtendedStatistic"]) == (metric, "p99")
    assert watching["Threshold"] == anywhere.config.slow_request_ms
    assert (watching["Period"], watching["EvaluationPeriods"]) == (300, periods)
    assert watching["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.parametrize(
    ("name", "periods"),
    [
        ("Api-RequestsThrottled", 3),
        ("Api-GatewayErrors", 1),
        ("DomainEvents-WritesThrottled", 3),
        ("DomainEvents-ReadsThrottled", 3),
        ("Lake-GetRecordsThrottled", 3),
        ("Lake-GetShardIteratorThrottled", 3),
        ("Reports-ReportNotStarted", 1),
    ],
)
def test_one_is_heard_at_once_or_if_it_goes_on(anywhere: Synthesized, name: str, periods: int) -> None:
    watching = alarm(anywhere, name)
    assert (watching["Statistic"], watching["Threshold"], watching["Period"]) == ("Sum", 1, 300)
    assert watching["EvaluationPeriods"] == periods
    assert watching["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["Read", "Write"])
def test_one_throttle_of_a_table_is_heard_at_once(cloud: Synthesized, table: str, verb: str) -> None:
    watching = alarm(cloud, f"Ledger-{table}{verb}sThrottled")
    assert (watching["Threshold"], watching["EvaluationPeriods"]) == (1, 1)
    [stat] = [each["MetricStat"] for each in watching["Metrics"] if "MetricStat" in each]
    assert (stat["Stat"], stat["Period"]) == ("Sum", 300)


def test_every_table_and_every_index_is_watched_for_throttles(cloud: Synthesized) -> None:
    watched: set[tuple[str, ...]] = set()
    for properties in (each["Properties"] for each in cloud.ledger.resources(ALARM).values()):
        for metric in (each["MetricStat"]["Metric"] for each in properties["Metrics"] if "MetricStat" in each):
            if metric["MetricName"].endswith("ThrottleEvents"):
                where: dict[str, Any] = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
                index = where.get("GlobalSecondaryIndexName", "")
                watched.add((metric["MetricName"], where["TableName"]["Ref"], index))
    wanted = {
        (name, table, index)
        for table, each in cloud.ledger.resources("AWS::DynamoDB::Table").items()
        for index in ["", *(one["IndexName"] for one in each["Properties"].get("GlobalSecondaryIndexes", []))]
        for name in ("ReadThrottleEvents", "WriteThrottleEvents")
    }
    assert watched == wanted


def test_every_function_is_watched_for_invocations_that_nearly_reach_its_timeout(anywhere: Synthesized) -> None:
    for stack in anywhere.stacks:
        near = {
            each["Properties"]["Dimensions"][0]["Value"]["Ref"]: each["Properties"]
            for each in stack.resources(ALARM).values()
            if each["Properties"]["AlarmName"].endswith("-NearTimeout")
        }
        for name, each in stack.resources("AWS::Lambda::Function").items():
            assert near[name]["Threshold"] == pytest.approx(800 * each["Properties"]["Timeout"])
            assert (near[name]["Statistic"], near[name]["EvaluationPeriods"]) == ("Maximum", 1)
