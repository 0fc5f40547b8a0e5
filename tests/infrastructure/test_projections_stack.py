"""Read models: their tables, how the stream reaches their projectors, what may touch them, and who is told."""

from typing import Any

import pytest

from constructs_lib.stream_mapping import MAPPING_PREFIX
from lambdas.projections.dynamodb import table as layout
from lambdas.projections.registry import PROJECTIONS
from stacks.projections import pascal
from tests.infrastructure.permissions import Allowed, allowed, path_of, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import Synthesized

MAPPING, FUNCTION, TABLE = "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::DynamoDB::Table"
ALARM, MACHINE = "AWS::CloudWatch::Alarm", "AWS::StepFunctions::StateMachine"
KEY_ACTIONS = {
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
STREAM_READ = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
}
READ_STREAM: Allowed = {
    "<DomainEvents/Events/Stream>": STREAM_READ,
    "<DomainEvents/Key> via kinesis": {"kms:Decrypt"},
}
TRACES: Allowed = {"*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}}
IDS = [pascal(each.name) for each in PROJECTIONS]


@pytest.fixture(params=IDS)
def one(request: pytest.FixtureRequest) -> str:
    """The construct id of each projection in turn."""
    name: str = request.param
    return name


def at(environment: Synthesized, kind: str, path: str) -> dict[str, Any]:
    """The properties of the one resource of a type whose path begins so, below the stack."""
    stack = environment.projections
    [found] = [
        each["Properties"]
        for name, each in stack.resources(kind).items()
        if path_of(stack, name).startswith(f"Projections/{path}")
    ]
    properties: dict[str, Any] = found
    return properties


def dynamodb(*names: str) -> set[str]:
    return {f"dynamodb:{each}" for each in names}


def logs(path: str) -> Allowed:
    return {f"<Projections/{path}/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"}}


def rows(one: str, *keys: str) -> str:
    """How the permission on rows with these hash keys is told."""
    return f"<Projections/{one}/ReadModel/Table> rows {', '.join(keys)}"


def test_a_table_has_the_keys_and_the_indexes_of_its_layout(anywhere: Synthesized, one: str) -> None:
    found = at(anywhere, TABLE, one)
    assert found["KeySchema"] == keys(layout.HASH_KEY, layout.RANGE_KEY)
    assert found["GlobalSecondaryIndexes"] == [
        {
            "IndexName": each.name,
            "KeySchema": keys(each.hash_key, each.range_key),
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for each in layout.INDEXES
    ]
    used = {layout.HASH_KEY, layout.RANGE_KEY, *(name for each in layout.INDEXES for name in each[1:])}
    assert {(each["AttributeName"], each["AttributeType"]) for each in found["AttributeDefinitions"]} == {
        (name, "S") for name in used
    }


def keys(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def test_a_table_is_on_demand_under_the_key_of_the_events_and_kept_by_nobody(anywhere: Synthesized, one: str) -> None:
    found = at(anywhere, TABLE, one)
    assert found["BillingMode"] == "PAY_PER_REQUEST"
    assert found["SSESpecification"]["SSEType"] == "KMS"
    key = rendered(anywhere, anywhere.projections, found["SSESpecification"]["KMSMasterKeyId"])
    assert key == "<DomainEvents/Key>"
    assert found["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert not {"StreamSpecification", "TimeToLiveSpecification"} & found.keys()


def test_a_table_has_a_name_so_that_nothing_replaces_it_unheard(anywhere: Synthesized, one: str) -> None:
    """CloudFormation refuses to replace what has one. It would be empty, and its readers be answered 503."""
    assert at(anywhere, TABLE, one)["TableName"]["Fn::Join"][1][0].startswith(f"daybook-{anywhere.config.name}-")


def test_the_stream_is_followed_from_its_oldest_record_within_bounds(anywhere: Synthesized, one: str) -> None:
    found, config = at(anywhere, MAPPING, one), anywhere.config
    assert rendered(anywhere, anywhere.projections, found["EventSourceArn"]) == "<DomainEvents/Events/Stream>"
    assert rendered(anywhere, anywhere.projections, found["FunctionName"]) == f"<Projections/{one}/Projector/Live>"
    assert found["StartingPosition"] == "TRIM_HORIZON", "LATEST would miss what was published while this was deployed"
    assert (found["ParallelizationFactor"], found["BisectBatchOnFunctionError"], found["Enabled"]) == (1, True, True)
    assert found["BatchSize"] == config.projection_batch_size
    assert found["MaximumBatchingWindowInSeconds"] == config.projection_batch_window_seconds
    assert found["MaximumRetryAttempts"] == config.projection_retries
    bound = -1 if config.name == "local" else config.projection_record_age_seconds
    assert found["MaximumRecordAgeInSeconds"] == bound
    assert (bound or 0) < config.event_stream_days * 86_400, "the stream would forget a batch before it is parked"
    assert not {"FilterCriteria", "FunctionResponseTypes"} & found.keys()


def test_a_failed_batch_goes_whole_to_a_bucket_that_republish_does_not_read(anywhere: Synthesized, one: str) -> None:
    found = at(anywhere, MAPPING, one)
    destination = found["DestinationConfig"]["OnFailure"]["Destination"]
    assert rendered(anywhere, anywhere.projections, destination) == "<DomainEvents/ProjectionParking/Bucket>"
    assert found["MetricsConfig"] == {"Metrics": ["EventCount"]}, "else the metrics of the alarms are not written"


def test_a_mapping_is_created_after_its_roles_permissions(anywhere: Synthesized) -> None:
    stack = anywhere.projections
    for name, mapping in stack.resources(MAPPING).items():
        own = path_of(stack, name).split("/")[1]
        [policy] = [each for each in stack.resources("AWS::IAM::Policy") if f"{own}ProjectorRoleDefaultPolicy" in each]
        assert policy in mapping["DependsOn"]


def test_a_projector_reads_events_by_the_readers_query_and_writes_its_own_table_only(
    anywhere: Synthesized, one: str
) -> None:
    """It writes rows of generations and its place in the stream: neither the control row nor a measurement."""
    assert allowed(anywhere, anywhere.projections, f"Projections/{one}/Projector/Role") == {
        "<Ledger/Events/Table>": dynamodb("Query"),
        "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
        **READ_STREAM,
        f"<Projections/{one}/ReadModel/Table>": dynamodb("ConditionCheckItem", "GetItem"),
        rows(one, "*#*", "positions", "restores"): dynamodb("PutItem", "UpdateItem"),
        "<DomainEvents/Key> via dynamodb": KEY_ACTIONS,
        "<DomainEvents/ProjectionParking/Bucket>": {"s3:ListBucket"},
        f"<DomainEvents/ProjectionParking/Bucket>/{MAPPING_PREFIX}*": {"s3:PutObject"},
        "<DomainEvents/Key> via s3": {"kms:GenerateDataKey"},
        **logs(f"{one}/Projector"),
        **TRACES,
    }
    assert trusted(anywhere, anywhere.projections, f"Projections/{one}/Projector/Role") == "lambda.amazonaws.com"


def test_a_rebuild_walks_the_event_table_and_writes_its_own_table_only(anywhere: Synthesized, one: str) -> None:
    assert allowed(anywhere, anywhere.projections, f"Projections/{one}/Rebuild/Role") == {
        "<Ledger/Events/Table>": dynamodb("Query", "Scan"),
        "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
        f"<Projections/{one}/ReadModel/Table>": dynamodb("ConditionCheckItem", "GetItem", "Query"),
        rows(one, "*#*", "control"): dynamodb("PutItem", "UpdateItem"),
        rows(one, "*#deferred"): dynamodb("DeleteItem"),
        "<DomainEvents/Key> via dynamodb": KEY_ACTIONS,
        **logs(f"{one}/Rebuild"),
        **TRACES,
    }


def test_no_function_may_scan_a_table_but_those_that_read_all_of_it(anywhere: Synthesized) -> None:
    """Nor may one that can append: a rebuild or a verification reads the whole ledger and can write none of it."""
    scanning = set()
    for stack in anywhere.stacks:
        for name in stack.resources("AWS::IAM::Role"):
            role = path_of(stack, name)
            for where, actions in allowed(anywhere, stack, role).items() if is_functions(stack, name) else ():
                if "dynamodb:Scan" in actions:
                    scanning.add((role, where))
                if where == "<Ledger/Events/Table>" and "dynamodb:Scan" in actions:
                    assert "dynamodb:PutItem" not in actions
    assert scanning == {
        *((f"Projections/{one}/Rebuild/Role", "<Ledger/Events/Table>") for one in IDS),
        *(("Verification/Verifier/Role", f"<Ledger/{table}/Table>") for table in ("Events", "Receipts", "Commands")),
    }


def is_functions(stack: Any, role: str) -> bool:
    """Whether a function of the same stack runs as this role."""
    return any(
        {"Fn::GetAtt": [role, "Arn"]} == each["Properties"]["Role"] for each in stack.resources(FUNCTION).values()
    )


def test_measuring_reads_the_stream_and_what_stands_and_writes_the_lag_only(anywhere: Synthesized) -> None:
    expected: Allowed = {
        **READ_STREAM,
        "<DomainEvents/Key> via dynamodb": KEY_ACTIONS,
        **logs("Lag"),
        **TRACES,
    }
    for one in IDS:
        expected[f"<Projections/{one}/ReadModel/Table>"] = dynamodb("BatchGetItem", "GetItem", "Query")
        expected[f"<Projections/{one}/ReadModel/Table>/index/stopped"] = dynamodb("Query")
        expected[rows(one, "lag")] = dynamodb("PutItem")
    assert allowed(anywhere, anywhere.projections, "Projections/Lag/Role") == expected


def test_operators_read_all_and_change_read_models_only(anywhere: Synthesized) -> None:
    found = policy_allows(anywhere, anywhere.projections, "Projections/MayOperate")
    expected: Allowed = {
        "<Ledger/Events/Table>": dynamodb("DescribeTable", "Query", "Scan"),
        "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
        **READ_STREAM,
        "<DomainEvents/Key> via dynamodb": KEY_ACTIONS,
    }
    for one in IDS:
        walk = f"Projections/{one}/Walk/Machine"
        executions = f"arn:<Partition>:states:<Region>:<AccountId>:execution:<{walk}>:*"
        expected |= {
            f"<Projections/{one}/ReadModel/Table>": dynamodb(
                "BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan"
            ),
            f"<Projections/{one}/ReadModel/Table>/index/stopped": dynamodb("Query"),
            rows(one, "control"): dynamodb("PutItem"),
            rows(one, "*#*"): dynamodb("BatchWriteItem"),
            f"<Projections/{one}/Projector/Live>": {"lambda:InvokeFunction"},
            f"<{walk}>": {"states:StartExecution"},
            executions: {"states:DescribeExecution", "states:ListMapRuns", "states:StopExecution"},
            f"arn:<Partition>:states:<Region>:<AccountId>:mapRun:<{walk}>/Segments:*": {"states:ListExecutions"},
            f"arn:<Partition>:states:<Region>:<AccountId>:execution:<{walk}>/Segments:*": {"states:DescribeExecution"},
        }
    assert found == expected


def test_the_patterns_of_rows_are_those_of_the_layout() -> None:
    """`*#*` stands for what belongs to a generation, and for nothing else."""
    of_generations = [
        layout.account_key(1, "a")[layout.HASH_KEY]["S"],
        layout.shared_partition(1, 7),
        layout.deferred_partition(1),
        layout.segments_partition(1),
    ]
    assert all("#" in each for each in of_generations)
    assert layout.deferred_partition(1).endswith("#deferred")
    others = [
        layout.CONTROL_KEY[layout.HASH_KEY]["S"],
        layout.LAG_KEY[layout.HASH_KEY]["S"],
        layout.POSITIONS_PARTITION,
        layout.RESTORES_PARTITION,
    ]
    assert others == ["control", "lag", "positions", "restores"]


def test_functions_learn_their_projection_and_its_tables(anywhere: Synthesized) -> None:
    stack = anywhere.projections
    for each in PROJECTIONS:
        for function in ("Projector", "Rebuild"):
            variables = at(anywhere, FUNCTION, f"{pascal(each.name)}/{function}")["Environment"]["Variables"]
            assert variables["PROJECTION"] == each.name
            table = rendered(anywhere, stack, variables["READ_MODEL_TABLE"])
            assert table == f"<Projections/{pascal(each.name)}/ReadModel/Table>"
            assert rendered(anywhere, stack, variables["EVENT_TABLE"]) == "<Ledger/Events/Table>"
    variables = at(anywhere, FUNCTION, "Lag")["Environment"]["Variables"]
    assert rendered(anywhere, stack, variables["DOMAIN_EVENT_STREAM"]) == "<DomainEvents/Events/Stream>"
    tables = ",".join(f'"{each.name}":"<Projections/{pascal(each.name)}/ReadModel/Table>"' for each in PROJECTIONS)
    assert rendered(anywhere, stack, variables["READ_MODEL_TABLES"]) == "{" + tables + "}"


def test_the_lag_is_measured_every_minute_even_while_commands_are_not_taken(anywhere: Synthesized) -> None:
    _, schedule = anywhere.projections.only("AWS::Scheduler::Schedule")
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["Properties"]["State"] == "ENABLED"
    assert at(anywhere, FUNCTION, "Lag")["Timeout"] <= 60, "two measurements would overlap"


EVERY_PROJECTION = {
    "AccountsStopped": ("daybook", "ProjectionAccountsStopped", 1),
    "BatchesParked": ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", 1),
    "RecordsGivenUp": ("AWS/Lambda", "DroppedEventCount", 1),
    "ParkingFailed": ("AWS/Lambda", "DestinationDeliveryFailures", 1),
    "ProjectorErrors": ("AWS/Lambda", "Errors", 1),
    "Behind": ("AWS/Lambda", "IteratorAge", 300_000),
    "Lagging": ("daybook", "ProjectionLagSeconds", 300),
    "RebuildFailed": ("AWS/States", "ExecutionsFailed", 1),
    "RebuildTimedOut": ("AWS/States", "ExecutionsTimedOut", 1),
    "Projector-Throttles": ("AWS/Lambda", "Throttles", 1),
    "Projector-NearTimeout": ("AWS/Lambda", "Duration", 96_000),
    "Rebuild-Throttles": ("AWS/Lambda", "Throttles", 1),
    "Rebuild-NearTimeout": ("AWS/Lambda", "Duration", 720_000),
}
WITH_METRIC_MATH = {"NotReading", "TableThrottled"}


def alarms(environment: Synthesized, one: str) -> dict[str, dict[str, Any]]:
    begins = f"Daybook-{environment.config.name}-Projections-{one}-"
    found = [each["Properties"] for each in environment.projections.resources(ALARM).values()]
    return {each["AlarmName"].removeprefix(begins): each for each in found if each["AlarmName"].startswith(begins)}


def test_everything_that_can_go_wrong_with_a_projection_raises_an_alarm(anywhere: Synthesized, one: str) -> None:
    found = alarms(anywhere, one)
    assert set(found) == EVERY_PROJECTION.keys() | (WITH_METRIC_MATH if anywhere.config.metric_math_alarms else set())
    for name, expected in EVERY_PROJECTION.items():
        assert (found[name]["Namespace"], found[name]["MetricName"], found[name]["Threshold"]) == expected
        assert found[name]["TreatMissingData"] == "notBreaching"


def test_alarms_look_at_their_own_projection(anywhere: Synthesized) -> None:
    for each in PROJECTIONS:
        found = alarms(anywhere, pascal(each.name))
        for name in ("AccountsStopped", "Lagging"):
            assert {"Name": "projection", "Value": each.name} in found[name]["Dimensions"]
        mappings = [found[name]["Dimensions"] for name in ("BatchesParked", "RecordsGivenUp")]
        for [dimension] in mappings:
            assert path_of(anywhere.projections, dimension["Value"]["Ref"]).split("/")[1] == pascal(each.name)


def test_operators_find_everything_by_stable_output_names(anywhere: Synthesized) -> None:
    outputs = {
        name: rendered(anywhere, anywhere.projections, each["Value"])
        for name, each in anywhere.projections.body["Outputs"].items()
        if not name.startswith("PublishOutput")
    }
    expected = {"ProjectionsOperatePolicyArn": "<Projections/MayOperate>"}
    for one in IDS:
        expected |= {
            f"{one}TableName": f"<Projections/{one}/ReadModel/Table>",
            f"{one}ProjectorName": f"<Projections/{one}/Projector/Function>",
            f"{one}RebuildArn": f"<Projections/{one}/Walk/Machine>",
        }
    assert outputs == expected


def test_no_function_is_in_a_network(anywhere: Synthesized) -> None:
    for each in anywhere.projections.resources(FUNCTION).values():
        assert "VpcConfig" not in each["Properties"]
