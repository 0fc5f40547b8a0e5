"""The publisher: how the event table's stream reaches it, what it may do, and who is told when it fails."""

from typing import Any

import pytest

from constructs_lib.stream_mapping import MAPPING_PREFIX
from lambdas.publishing.parking import PREFIX
from tests.infrastructure.permissions import allowed, rendered, trusted
from tests.infrastructure.synthesis import REPOSITORY, Synthesized

MAPPING = "AWS::Lambda::EventSourceMapping"
FUNCTION = "AWS::Lambda::Function"
ROLE = "Publisher/Publisher/Role"


def mapping(environment: Synthesized) -> dict[str, Any]:
    """The mapping's properties."""
    _, found = environment.publisher.only(MAPPING)
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_the_event_tables_stream_is_followed_from_its_oldest_record(anywhere: Synthesized) -> None:
    found = mapping(anywhere)
    stack, value = anywhere.meant(found["EventSourceArn"]) or (None, None)
    assert stack is anywhere.ledger
    assert value == anywhere.ledger.body["Outputs"]["EventTableStreamArn"]["Value"]
    alias_id, _ = anywhere.publisher.only("AWS::Lambda::Alias")
    assert found["FunctionName"] == {"Ref": alias_id}
    assert found["StartingPosition"] == "TRIM_HORIZON", "LATEST would miss what was written while this was deployed"


def test_batches_of_a_shard_go_one_after_the_other_and_are_tried_again_within_bounds(anywhere: Synthesized) -> None:
    found = mapping(anywhere)
    assert found["ParallelizationFactor"] == 1
    assert found["BatchSize"] == anywhere.config.publisher_batch_size
    assert found["MaximumBatchingWindowInSeconds"] == anywhere.config.publisher_batch_window_seconds
    assert found["BisectBatchOnFunctionError"] is True
    assert found["MaximumRetryAttempts"] == anywhere.config.publisher_retries


def test_records_are_given_up_before_the_tables_stream_forgets_them_but_never_locally(anywhere: Synthesized) -> None:
    bound = -1 if anywhere.config.name == "local" else 12 * 3600  # the stream forgets after a day
    assert mapping(anywhere)["MaximumRecordAgeInSeconds"] == bound


def test_no_record_is_filtered_out_and_no_partial_answer_is_understood(anywhere: Synthesized) -> None:
    found = mapping(anywhere)
    assert "FilterCriteria" not in found, "changes and removals have to be seen, to raise the alarm"
    assert "FunctionResponseTypes" not in found, "the emulator would lose what such an answer names"


def test_what_is_given_up_goes_to_the_parking_bucket_whole(anywhere: Synthesized) -> None:
    destination = mapping(anywhere)["DestinationConfig"]["OnFailure"]["Destination"]
    assert rendered(anywhere, anywhere.publisher, destination) == "<DomainEvents/Parking/Bucket>"


def test_the_mapping_is_created_after_its_roles_permissions(anywhere: Synthesized) -> None:
    _, found = anywhere.publisher.only(MAPPING)
    permissions = {name for name in anywhere.publisher.resources("AWS::IAM::Policy") if "Tracing" not in name}
    assert permissions
    assert permissions <= set(found["DependsOn"])


def test_the_function_follows_the_stream_publishes_and_parks_and_no_more(anywhere: Synthesized) -> None:
    assert allowed(anywhere, anywhere.publisher, ROLE) == {
        "<Ledger/Events/Table>": {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        },
        "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
        "<DomainEvents/Events/Stream>": {"kinesis:PutRecords"},
        "<DomainEvents/Key> via kinesis": {"kms:GenerateDataKey"},
        "<DomainEvents/Parking/Bucket>": {"s3:ListBucket"},
        f"<DomainEvents/Parking/Bucket>/{PREFIX}*": {"s3:PutObject"},
        f"<DomainEvents/Parking/Bucket>/{MAPPING_PREFIX}*": {"s3:PutObject"},
        "<DomainEvents/Key> via s3": {"kms:GenerateDataKey"},
        "<Publisher/Publisher/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    }
    assert trusted(anywhere, anywhere.publisher, ROLE) == "lambda.amazonaws.com"


def test_its_reading_is_of_the_tables_stream_and_not_of_the_table(anywhere: Synthesized) -> None:
    [statement] = [
        one
        for policy in anywhere.publisher.resources("AWS::IAM::Policy").values()
        for one in policy["Properties"]["PolicyDocument"]["Statement"]
        if "dynamodb:GetRecords" in one["Action"]
    ]
    _, value = anywhere.meant(statement["Resource"]) or (None, {})
    assert value["Fn::GetAtt"][1] == "StreamArn"


def test_the_function_learns_where_to_publish_and_to_park(anywhere: Synthesized) -> None:
    _, function = anywhere.publisher.only(FUNCTION)
    variables = function["Properties"]["Environment"]["Variables"]
    assert {name: rendered(anywhere, anywhere.publisher, value) for name, value in variables.items()} == {
        "DOMAIN_EVENT_STREAM": "<DomainEvents/Events/Stream>",
        "PARKING_BUCKET": "<DomainEvents/Parking/Bucket>",
        "ENVIRONMENT": anywhere.config.name,
        "LEDGER_GENERATION": "1",
        "POWERTOOLS_SERVICE_NAME": "daybook",
        "POWERTOOLS_METRICS_NAMESPACE": "daybook",
        "POWERTOOLS_LOG_LEVEL": anywhere.config.log_level,
    }


@pytest.mark.parametrize("metric", ["EventTableTampered", "RowsParked"])
def test_one_tampered_or_parked_row_raises_an_alarm_under_the_dimensions_the_function_writes(
    anywhere: Synthesized, metric: str
) -> None:
    anywhere.publisher.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "daybook",
            "MetricName": metric,
            "Dimensions": [
                {"Name": "environment", "Value": anywhere.config.name},
                {"Name": "service", "Value": "daybook"},
            ],
            "Statistic": "Sum",
            "Threshold": 1,
            "TreatMissingData": "notBreaching",
        },
    )
    handler = (REPOSITORY / "lambdas" / "handlers" / "event_publisher.py").read_text()
    assert f'"{metric}"' in handler, "an alarm on a metric that nobody writes"


@pytest.mark.parametrize("metric", ["OnFailureDestinationDeliveredEventCount", "DroppedEventCount"])
def test_what_the_mapping_gives_up_raises_an_alarm(anywhere: Synthesized, metric: str) -> None:
    mapping_id, _ = anywhere.publisher.only(MAPPING)
    assert mapping(anywhere)["MetricsConfig"] == {"Metrics": ["EventCount"]}, "else these metrics are not written"
    anywhere.publisher.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/Lambda",
            "MetricName": metric,
            "Dimensions": [{"Name": "EventSourceMappingUUID", "Value": {"Ref": mapping_id}}],
            "Statistic": "Sum",
            "Threshold": 1,
        },
    )


def test_events_that_wait_raise_an_alarm_long_before_they_are_given_up(anywhere: Synthesized) -> None:
    function_id, _ = anywhere.publisher.only(FUNCTION)
    anywhere.publisher.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "IteratorAge",
            "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": function_id}}],
            "Statistic": "Maximum",
            "Threshold": 300_000,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    )


@pytest.mark.parametrize("metric", ["Errors", "DestinationDeliveryFailures"])
def test_a_function_that_fails_and_records_that_cannot_be_parked_raise_an_alarm(
    anywhere: Synthesized, metric: str
) -> None:
    anywhere.publisher.template.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"Namespace": "AWS/Lambda", "MetricName": metric, "Threshold": 1, "Statistic": "Sum"}
    )
