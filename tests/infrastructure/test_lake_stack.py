"""Firehose, the table over its files, and what reads and writes there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambdas.contracts.lake import LAKE_COLUMNS, REVOCATION_COLUMNS
from stacks.environment import environment
from tests.infrastructure.permissions import allowed, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import Synthesized, synthesize

DELIVERY = "AWS::KinesisFirehose::DeliveryStream"


def destination(of: Synthesized) -> dict[str, Any]:
    """Where and how Firehose writes."""
    _, delivery = of.lake.only(DELIVERY)
    found: dict[str, Any] = delivery["Properties"]["ExtendedS3DestinationConfiguration"]
    return found


def events_table(of: Synthesized) -> dict[str, Any]:
    """The table's input, as Glue takes it."""
    return table_of_files(of, "events")


def table_of_files(of: Synthesized, name: str) -> dict[str, Any]:
    """The input of the table of files with this name; there are two."""
    tables = {
        each["Properties"]["TableInput"]["Name"]: each["Properties"]["TableInput"]
        for each in of.lake.resources("AWS::Glue::Table").values()
        if each["Properties"]["TableInput"]["TableType"] == "EXTERNAL_TABLE"
    }
    assert tables.keys() == {"events", "revocations"}
    return dict(tables[name])


def test_firehose_reads_the_stream_of_domain_events(anywhere: Synthesized) -> None:
    _, delivery = anywhere.lake.only(DELIVERY)
    source = delivery["Properties"]["KinesisStreamSourceConfiguration"]
    assert delivery["Properties"]["DeliveryStreamType"] == "KinesisStreamAsSource"
    assert rendered(anywhere, anywhere.lake, source["KinesisStreamARN"]) == "<DomainEvents/Events/Stream>"


def test_files_lie_in_folders_of_days_and_what_does_not_convert_beside_them(anywhere: Synthesized) -> None:
    found = destination(anywhere)
    assert rendered(anywhere, anywhere.lake, found["BucketARN"]) == "<Lake/Lake/Bucket>"
    assert found["Prefix"] == "events/dt=!{timestamp:yyyy-MM-dd}/"
    assert found["ErrorOutputPrefix"] == "errors/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/"
    assert not found["ErrorOutputPrefix"].startswith("events/"), "what failed would be read as events"


def test_json_becomes_parquet_by_the_tables_columns(anywhere: Synthesized) -> None:
    conversion = destination(anywhere)["DataFormatConversionConfiguration"]
    assert conversion["Enabled"] is True
    assert conversion["InputFormatConfiguration"] == {"Deserializer": {"OpenXJsonSerDe": {}}}
    serializer = {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}}
    assert conversion["OutputFormatConfiguration"] == serializer
    schema = conversion["SchemaConfiguration"]
    assert rendered(anywhere, anywhere.lake, schema["TableName"]) == "<Lake/Events/Table>"
    assert schema["VersionId"] == "LATEST"


def test_buffers_are_as_large_as_conversion_demands_and_nothing_compresses_twice(anywhere: Synthesized) -> None:
    found = destination(anywhere)
    assert found["BufferingHints"]["SizeInMBs"] >= 64
    assert found["BufferingHints"]["IntervalInSeconds"] == anywhere.config.lake_interval_seconds
    assert "CompressionFormat" not in found


def test_firehose_writes_and_never_deletes(anywhere: Synthesized) -> None:
    may = allowed(anywhere, anywhere.lake, "Lake/Delivery/Role")
    objects = {"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}
    schema = {"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"}
    glue = "arn:<Partition>:glue:<Region>:<AccountId>"
    assert may == {
        "<DomainEvents/Events/Stream>": {
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        },
        "<DomainEvents/Key> via kinesis": {"kms:Decrypt"},
        "<Lake/Lake/Bucket>/events/*": objects,
        "<Lake/Lake/Bucket>/errors/*": objects,
        "<Lake/Lake/Bucket>": {"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
        "<Lake/Key> via s3": {"kms:Decrypt", "kms:GenerateDataKey"},
        f"{glue}:catalog": schema,
        f"{glue}:database/<Lake/Database>": schema,
        f"{glue}:table/<Lake/Database>/events": schema,
        "<Lake/Delivery/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
    }
    assert not any("Delete" in action for actions in may.values() for action in actions)
    assert trusted(anywhere, anywhere.lake, "Lake/Delivery/Role") == "firehose.amazonaws.com"


def test_firehose_is_created_after_what_it_may_do(anywhere: Synthesized) -> None:
    _, delivery = anywhere.lake.only(DELIVERY)
    policies = anywhere.lake.template.find_resources(
        "AWS::IAM::ManagedPolicy", {"Properties": {"Description": "Writing Parquet files, and removing none"}}
    )
    assert set(policies) <= set(delivery["DependsOn"])
    assert policies


def test_the_lake_is_there_before_anything_is_published(anywhere: Synthesized) -> None:
    assert anywhere.lake.name in anywhere.dependencies[anywhere.publisher.name]
    assert anywhere.domain_events.name in anywhere.dependencies[anywhere.lake.name]


def test_the_tables_columns_are_those_of_the_event_classes(anywhere: Synthesized) -> None:
    columns = events_table(anywhere)["StorageDescriptor"]["Columns"]
    assert [(each["Name"], each["Type"]) for each in columns] == [(each.name, each.type) for each in LAKE_COLUMNS]
    types = {each["Name"]: each["Type"] for each in columns}
    assert (types["recordedtime"], types["streamversion"], types["id"]) == ("timestamp", "bigint", "string")
    assert "amount:bigint" in types["data"]


def test_partitions_are_computed_and_never_crawled(anywhere: Synthesized) -> None:
    table = events_table(anywhere)
    assert [(each["Name"], each["Type"]) for each in table["PartitionKeys"]] == [("dt", "string")]
    parameters = {name: rendered(anywhere, anywhere.lake, value) for name, value in table["Parameters"].items()}
    assert parameters == {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2026-01-01,NOW",
        "projection.dt.interval": "1",
        "projection.dt.interval.unit": "DAYS",
        "storage.location.template": "s3://<Lake/Lake/Bucket>/events/dt=${dt}/",
    }
    assert (
        rendered(anywhere, anywhere.lake, table["StorageDescriptor"]["Location"]) == "s3://<Lake/Lake/Bucket>/events/"
    )
    assert not anywhere.lake.resources("AWS::Glue::Crawler")


def test_revocations_lie_beside_the_events_in_no_partitions(anywhere: Synthesized) -> None:
    table = table_of_files(anywhere, "revocations")
    storage = table["StorageDescriptor"]
    assert [(each["Name"], each["Type"]) for each in storage["Columns"]] == [
        (each.name, each.type) for each in REVOCATION_COLUMNS
    ]
    assert rendered(anywhere, anywhere.lake, storage["Location"]) == "s3://<Lake/Lake/Bucket>/revocations/"
    assert (table.get("PartitionKeys", []), table["Parameters"]) == (
        [],
        {"EXTERNAL": "TRUE", "classification": "parquet"},
    )
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("parquet.serde.ParquetHiveSerDe")


def test_who_announces_a_restore_writes_revocations_and_the_stream_and_no_event_of_the_lake(
    anywhere: Synthesized,
) -> None:
    may = policy_allows(anywhere, anywhere.lake, "Lake/MayAnnounce")
    assert may == {
        "<Lake/Lake/Bucket>": {"s3:ListBucket"},
        "<Lake/Lake/Bucket>/revocations/*": {"s3:GetObject", "s3:PutObject"},
        "<Lake/Key> via s3": {"kms:Decrypt", "kms:GenerateDataKey"},
        "<DomainEvents/Events/Stream>": {
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:PutRecords",
        },
        "<DomainEvents/Key> via kinesis": {"kms:Decrypt", "kms:GenerateDataKey"},
    }


def test_the_table_is_read_as_parquet(anywhere: Synthesized) -> None:
    storage = events_table(anywhere)["StorageDescriptor"]
    assert storage["InputFormat"].endswith("parquet.MapredParquetInputFormat")
    assert storage["OutputFormat"].endswith("parquet.MapredParquetOutputFormat")
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("parquet.serde.ParquetHiveSerDe")


@pytest.mark.parametrize(
    ("metric", "statistic", "comparison"),
    [
        ("DeliveryToS3.DataFreshness", "Maximum", "GreaterThanThreshold"),
        ("FailedConversion.Records", "Sum", "GreaterThanOrEqualToThreshold"),
    ],
)
def test_late_files_and_unconverted_records_raise_an_alarm(
    anywhere: Synthesized, metric: str, statistic: str, comparison: str
) -> None:
    delivery_id, _ = anywhere.lake.only(DELIVERY)
    anywhere.lake.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/Firehose",
            "MetricName": metric,
            "Dimensions": [{"Name": "DeliveryStreamName", "Value": {"Ref": delivery_id}}],
            "Statistic": statistic,
            "ComparisonOperator": comparison,
            "Threshold": 3 * anywhere.config.lake_interval_seconds if statistic == "Maximum" else 1,
        },
    )


def test_a_delivery_that_reads_too_little_of_the_stream_raises_an_alarm(anywhere: Synthesized) -> None:
    delivery_id, _ = anywhere.lake.only(DELIVERY)
    anywhere.lake.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/Firehose",
            "MetricName": "KinesisMillisBehindLatest",
            "Dimensions": [{"Name": "DeliveryStreamName", "Value": {"Ref": delivery_id}}],
            "Statistic": "Maximum",
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 900_000,
        },
    )


def test_clients_find_the_lake_by_stable_output_names(anywhere: Synthesized) -> None:
    outputs = {name: each["Value"] for name, each in anywhere.lake.body["Outputs"].items()}
    own = {
        name: rendered(anywhere, anywhere.lake, value)
        for name, value in outputs.items()
        if not name.startswith("PublishOutput")
    }
    assert own == {
        "LakeBucketName": "<Lake/Lake/Bucket>",
        "ReportBucketName": "<Lake/Results/Bucket>",
        "GlueDatabaseName": "<Lake/Database>",
        "AthenaWorkgroupName": "<Lake/Queries/Workgroup>",
        "LakeQueryPolicyArn": "<Lake/MayQuery>",
        "RestoreAnnouncePolicyArn": "<Lake/MayAnnounce>",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lake_buffer_mb": 63}, "a buffer of at least 64 MB is needed for Parquet, not 63"),
        ({"query_cutoff_bytes": 9_999_999}, "a cut-off of at least 10000000 bytes is needed, not 9999999"),
    ],
)
def test_what_aws_would_refuse_is_refused_at_synthesis(tmp_path: Path, change: dict[str, int], message: str) -> None:
    config = replace(environment("local"), **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        synthesize("local", outdir=tmp_path, config=config)
