"""The command processor and what marks its failures: how records reach them, what they may do, who is told."""

import json
from typing import Any

import pytest

from constructs_lib.stream_mapping import MAPPING_PREFIX
from tests.infrastructure.permissions import allowed, path_of, policy_allows, rendered, told_callers, trusted
from tests.infrastructure.synthesis import REPOSITORY, Resource, Synthesized
from tests.infrastructure.test_api_function import KEY_ACTIONS
from tests.support.event_source_mapping import EventSourceMapping

MAPPING = "AWS::Lambda::EventSourceMapping"
FUNCTION = "AWS::Lambda::Function"
ALARM = "AWS::CloudWatch::Alarm"
PROCESSOR = "Commands/Processor/Role"
FAILURES = "Commands/Failures/Role"
PARKED = f"<Ledger/Parking/Bucket>/{MAPPING_PREFIX}*"
READING_STREAM = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}


def mapping(environment: Synthesized) -> dict[str, Any]:
    """The mapping's properties."""
    _, found = environment.commands.only(MAPPING)
    properties: dict[str, Any] = found["Properties"]
    return properties


def function(environment: Synthesized, handler: str) -> tuple[str, Resource]:
    """Logical id and properties of the function with this handler."""
    [found] = [
        (name, each["Properties"])
        for name, each in environment.commands.resources(FUNCTION).items()
        if each["Properties"]["Handler"] == f"lambdas.handlers.{handler}.handler"
    ]
    return found


def parking_bucket(environment: Synthesized) -> Resource:
    """Properties of the bucket of parked commands."""
    found: Resource
    [found] = [
        each["Properties"]
        for name, each in environment.ledger.resources("AWS::S3::Bucket").items()
        if path_of(environment.ledger, name) == "Ledger/Parking/Bucket"
    ]
    return found


def live(environment: Synthesized, handler: str) -> str:
    """Logical id of the alias that callers of a function use."""
    function_id, _ = function(environment, handler)
    [found] = [
        name
        for name, each in environment.commands.resources("AWS::Lambda::Alias").items()
        if each["Properties"]["FunctionName"] == {"Ref": function_id}
    ]
    return found


def matches(pattern: Any, value: Any) -> bool:
    """Whether an event pattern of plain values matches; Lambda filters by EventBridge's rules."""
    if isinstance(pattern, list):
        return value in pattern
    return isinstance(value, dict) and all(matches(each, value.get(name)) for name, each in pattern.items())


def test_the_commands_tables_stream_is_followed_from_its_oldest_record(anywhere: Synthesized) -> None:
    found = mapping(anywhere)
    stack, value = anywhere.meant(found["EventSourceArn"]) or (None, {})
    assert stack is anywhere.ledger
    table_id, attribute = value["Fn::GetAtt"]
    assert (path_of(anywhere.ledger, table_id), attribute) == ("Ledger/Commands/Table", "StreamArn")
    assert found["FunctionName"] == {"Ref": live(anywhere, "command_processor")}
    assert found["StartingPosition"] == "TRIM_HORIZON", "LATEST would miss what was stored while this was deployed"


@pytest.mark.parametrize(
    ("change", "image", "delivered"),
    [
        ("INSERT", {"status": {"S": "PENDING"}, "body": {"B": "e30="}}, True),
        ("INSERT", {"body": {"B": "e30="}}, False),
        ("INSERT", {"status": {"S": "FAILED"}}, False),
        ("MODIFY", {"status": {"S": "PENDING"}}, False),
        ("MODIFY", {"status": {"S": "SUCCEEDED"}}, False),
        ("REMOVE", None, False),
    ],
)
def test_new_pending_commands_are_delivered_and_neither_other_rows_nor_the_processors_own_updates(
    anywhere: Synthesized, change: str, image: dict[str, Any] | None, delivered: bool
) -> None:
    [only] = mapping(anywhere)["FilterCriteria"]["Filters"]
    record = {"eventName": change, "dynamodb": {} if image is None else {"NewImage": image}}
    assert matches(json.loads(only["Pattern"]), record) is delivered


def test_batches_of_a_shard_go_one_after_the_other_and_are_tried_again_within_bounds(anywhere: Synthesized) -> None:
    found = mapping(anywhere)
    assert found["ParallelizationFactor"] == 1, "more would carry out commands of one account side by side"
    assert found["BisectBatchOnFunctionError"] is True
    assert found["BatchSize"] == anywhere.config.command_batch_size
    assert found["MaximumBatchingWindowInSeconds"] == anywhere.config.command_batch_window_seconds
    assert found["MaximumRetryAttempts"] == anywhere.config.command_retries <= 2, "the whole shard waits for them"
    assert found["MaximumRetryAttempts"] == EventSourceMapping.retries, "tests/unit/inbox shows what it bounds"
    assert "FunctionResponseTypes" not in found, "the emulator would lose what such an answer names"


def test_a_record_is_given_up_before_the_stream_forgets_it_but_never_locally(anywhere: Synthesized) -> None:
    bound = mapping(anywhere)["MaximumRecordAgeInSeconds"]
    if anywhere.config.name == "local":
        assert bound == -1
    else:
        assert bound == anywhere.config.command_record_age_seconds == EventSourceMapping.max_age_seconds
        assert 12 * 3600 <= bound <= (24 - 4) * 3600, "most who grow old waited for others; a day is what there is"


def test_what_is_given_up_goes_to_the_commands_own_parking_bucket_whole(anywhere: Synthesized) -> None:
    destination = mapping(anywhere)["DestinationConfig"]["OnFailure"]["Destination"]
    assert rendered(anywhere, anywhere.commands, destination) == "<Ledger/Parking/Bucket>"


def test_the_mapping_is_created_after_its_roles_permissions(anywhere: Synthesized) -> None:
    _, found = anywhere.commands.only(MAPPING)
    role_id = function(anywhere, "command_processor")[1]["Role"]["Fn::GetAtt"][0]
    permissions = {
        name
        for name, each in anywhere.commands.resources("AWS::IAM::Policy").items()
        if {"Ref": role_id} in each["Properties"]["Roles"] and "Tracing" not in name
    }
    assert permissions
    assert permissions <= set(found["DependsOn"])


def test_the_processor_appends_completes_follows_and_parks_and_no_more(anywhere: Synthesized) -> None:
    assert allowed(anywhere, anywhere.commands, PROCESSOR) == {
        "<Ledger/Events/Table>": {"dynamodb:PutItem", "dynamodb:Query"},
        "<Ledger/Commands/Table>": {"dynamodb:UpdateItem", *READING_STREAM},
        "<Ledger/Key> via dynamodb": KEY_ACTIONS,
        "<Ledger/Parking/Bucket>": {"s3:ListBucket"},
        PARKED: {"s3:PutObject"},
        "<Ledger/Key> via s3": {"kms:GenerateDataKey"},
        "<Commands/Processor/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": TRACES,
    }
    assert trusted(anywhere, anywhere.commands, PROCESSOR) == "lambda.amazonaws.com"


def test_its_reading_is_of_the_tables_stream_and_not_of_the_table(anywhere: Synthesized) -> None:
    [statement] = [
        one
        for policy in anywhere.commands.resources("AWS::IAM::Policy").values()
        for one in policy["Properties"]["PolicyDocument"]["Statement"]
        if "dynamodb:GetRecords" in one["Action"]
    ]
    _, value = anywhere.meant(statement["Resource"]) or (None, {})
    assert set(statement["Action"]) == READING_STREAM
    assert value["Fn::GetAtt"][1] == "StreamArn"


def test_the_marker_reads_what_is_parked_and_updates_rows_and_no_more(anywhere: Synthesized) -> None:
    assert allowed(anywhere, anywhere.commands, FAILURES) == {
        "<Ledger/Commands/Table>": {"dynamodb:UpdateItem"},
        "<Ledger/Key> via dynamodb": KEY_ACTIONS,
        "<Ledger/Parking/Bucket>": {"s3:ListBucket"},
        PARKED: {"s3:GetObject"},
        "<Ledger/Key> via s3": {"kms:Decrypt"},
        "<Commands/Parked/DeadLetters>": {"sqs:SendMessage"},
        "<Commands/Failures/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": TRACES,
    }
    assert trusted(anywhere, anywhere.commands, FAILURES) == "lambda.amazonaws.com"


def test_an_operator_may_redrive_and_neither_remove_a_row_nor_a_parked_record_for_good(anywhere: Synthesized) -> None:
    """Deleting an object of a versioned bucket hides it; that would take s3:DeleteObjectVersion."""
    assert parking_bucket(anywhere)["VersioningConfiguration"] == {"Status": "Enabled"}
    assert policy_allows(anywhere, anywhere.ledger, "Ledger/MayRedrive") == {
        "<Ledger/Commands/Table>": {
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        },
        "<Ledger/Commands/Table>/index/failed": {"dynamodb:Query"},
        "<Ledger/Key> via dynamodb": KEY_ACTIONS,
        "<Ledger/Parking/Bucket>": {"s3:ListBucket"},
        PARKED: {"s3:DeleteObject", "s3:GetObject"},
        "<Ledger/Key> via s3": {"kms:Decrypt"},
    }
    assert policy_allows(anywhere, anywhere.commands, "Commands/MayProcess") == {
        "<Commands/Processor/Live>": {"lambda:InvokeFunction"}
    }


COMMON_VARIABLES = {"POWERTOOLS_SERVICE_NAME": "daybook", "POWERTOOLS_METRICS_NAMESPACE": "daybook"}


@pytest.mark.parametrize(
    ("handler", "own"),
    [
        (
            "command_processor",
            {
                "EVENT_TABLE": "<Ledger/Events/Table>",
                "COMMANDS_TABLE": "<Ledger/Commands/Table>",
                "SNAPSHOT_INTERVAL": "10",
            },
        ),
        ("command_failures", {"COMMANDS_TABLE": "<Ledger/Commands/Table>"}),
    ],
)
def test_the_functions_learn_their_tables(anywhere: Synthesized, handler: str, own: dict[str, str]) -> None:
    _, found = function(anywhere, handler)
    variables = dict(found["Environment"]["Variables"])
    if handler == "command_processor":
        assert told_callers(anywhere, anywhere.commands, variables.pop("TEST_CALLERS"))
    assert {name: rendered(anywhere, anywhere.commands, value) for name, value in variables.items()} == {
        **own,
        **COMMON_VARIABLES,
        "ENVIRONMENT": anywhere.config.name,
        "LEDGER_GENERATION": "1",
        "POWERTOOLS_LOG_LEVEL": anywhere.config.log_level,
    }


def test_the_functions_share_one_layer_of_packages(cloud: Synthesized) -> None:
    layer_id, _ = cloud.commands.only("AWS::Lambda::LayerVersion")
    functions = cloud.commands.resources(FUNCTION).values()
    assert [each["Properties"]["Layers"] for each in functions] == [[{"Ref": layer_id}]] * 2


def test_every_object_that_the_mapping_parks_is_announced_to_the_marker(anywhere: Synthesized) -> None:
    bucket = parking_bucket(anywhere)
    _, rule = anywhere.commands.only("AWS::Events::Rule")
    pattern = rule["Properties"]["EventPattern"]
    [target] = rule["Properties"]["Targets"]
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    [name] = pattern["detail"]["bucket"]["name"]
    assert rendered(anywhere, anywhere.commands, name) == "<Ledger/Parking/Bucket>"
    assert pattern["detail"]["object"] == {"key": [{"prefix": MAPPING_PREFIX}]}
    assert target["Arn"] == {"Ref": live(anywhere, "command_failures")}
    assert rule["Properties"]["State"] == "ENABLED"


def test_no_function_but_ours_sets_anything_up(anywhere: Synthesized) -> None:
    assert len(anywhere.commands.resources(FUNCTION)) == 2
    for stack in (anywhere.ledger, anywhere.commands):
        assert not {each["Type"] for each in stack.body["Resources"].values() if each["Type"].startswith("Custom::")}
    assert not anywhere.ledger.resources(FUNCTION)


def test_marking_is_tried_again_and_what_fails_to_the_end_waits_in_an_encrypted_queue(anywhere: Synthesized) -> None:
    queue_id, queue = anywhere.commands.only("AWS::SQS::Queue")
    arn = {"Fn::GetAtt": [queue_id, "Arn"]}
    [target] = anywhere.commands.only("AWS::Events::Rule")[1]["Properties"]["Targets"]
    function_id, _ = function(anywhere, "command_failures")
    _, invocation = anywhere.commands.only("AWS::Lambda::EventInvokeConfig")
    assert target["DeadLetterConfig"] == {"Arn": arn}, "what Lambda never took"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 6 * 3600}, "and EventBridge's 185 attempts"
    assert invocation["Properties"] == {
        "FunctionName": {"Ref": function_id},
        "Qualifier": "live",
        "MaximumEventAgeInSeconds": 6 * 3600,
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnFailure": {"Destination": arn}},
    }, "what the function never managed"
    assert live(anywhere, "command_failures") in invocation["DependsOn"]
    assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    [statement] = [
        each
        for each in anywhere.commands.only("AWS::SQS::QueuePolicy")[1]["Properties"]["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
    ]
    rule_id, _ = anywhere.commands.only("AWS::Events::Rule")
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]}}}


def alarms(environment: Synthesized) -> dict[str, list[Resource]]:
    """Properties of the stack's alarms by the name of their metric."""
    found: dict[str, list[Resource]] = {}
    for each in environment.commands.resources(ALARM).values():
        found.setdefault(each["Properties"].get("MetricName", ""), []).append(each["Properties"])
    return found


@pytest.mark.parametrize(
    ("metric", "handler"), [("CommandsLeft", "command_processor"), ("CommandsFailed", "command_failures")]
)
def test_one_command_that_fails_raises_an_alarm_under_the_dimensions_the_functions_write(
    anywhere: Synthesized, metric: str, handler: str
) -> None:
    [alarm] = alarms(anywhere)[metric]
    assert alarm["Namespace"] == "daybook"
    assert alarm["Dimensions"] == [
        {"Name": "environment", "Value": anywhere.config.name},
        {"Name": "service", "Value": "daybook"},
    ]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["TreatMissingData"]) == ("Sum", 1, "notBreaching")
    source = (REPOSITORY / "lambdas" / "handlers" / f"{handler}.py").read_text()
    assert f'"{metric}"' in source, "an alarm on a metric that nobody writes"


@pytest.mark.parametrize("metric", ["OnFailureDestinationDeliveredEventCount", "DroppedEventCount"])
def test_what_the_mapping_gives_up_raises_an_alarm(anywhere: Synthesized, metric: str) -> None:
    mapping_id, _ = anywhere.commands.only(MAPPING)
    assert mapping(anywhere)["MetricsConfig"] == {"Metrics": ["EventCount"]}, "else these metrics are not written"
    [alarm] = alarms(anywhere)[metric]
    assert alarm["Dimensions"] == [{"Name": "EventSourceMappingUUID", "Value": {"Ref": mapping_id}}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)


def test_commands_that_wait_raise_an_alarm_long_before_they_are_given_up(anywhere: Synthesized) -> None:
    function_id, _ = function(anywhere, "command_processor")
    [alarm] = alarms(anywhere)["IteratorAge"]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function_id}}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 60_000)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_either_function_that_fails_and_records_that_cannot_be_parked_raise_an_alarm(anywhere: Synthesized) -> None:
    processor_id, _ = function(anywhere, "command_processor")
    failures_id, _ = function(anywhere, "command_failures")
    watched = [
        each["Value"]["Ref"]
        for alarm in alarms(anywhere)["Errors"]
        for each in alarm["Dimensions"]
        if each["Name"] == "FunctionName"
    ]
    assert sorted(watched) == sorted([processor_id, failures_id])
    [undelivered] = alarms(anywhere)["DestinationDeliveryFailures"]
    assert undelivered["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": processor_id}}]
    for alarm in (*alarms(anywhere)["Errors"], undelivered):
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)


def test_a_dead_letter_raises_an_alarm(anywhere: Synthesized) -> None:
    queue_id, _ = anywhere.commands.only("AWS::SQS::Queue")
    [alarm] = alarms(anywhere)["ApproximateNumberOfMessagesVisible"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue_id, "QueueName"]}}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)


def test_operators_find_the_processor_and_the_parked_records_by_stable_output_names(anywhere: Synthesized) -> None:
    processor_id, _ = function(anywhere, "command_processor")
    anywhere.commands.template.has_output("CommandProcessorName", {"Value": {"Ref": processor_id}})
    bucket = anywhere.ledger.body["Outputs"]["CommandParkingBucketName"]["Value"]
    assert rendered(anywhere, anywhere.ledger, bucket) == "<Ledger/Parking/Bucket>"
    assert {"CommandRedrivePolicyArn", "CommandsTableName"} <= anywhere.ledger.body["Outputs"].keys()
    assert "CommandProcessPolicyArn" in anywhere.commands.body["Outputs"]
