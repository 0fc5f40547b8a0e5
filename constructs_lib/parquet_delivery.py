"""Firehose delivery from a Kinesis stream into daily folders of Parquet files."""

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Validations
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import ManagedPolicy, Role, ServicePrincipal
from aws_cdk.aws_kinesisfirehose import CfnDeliveryStream
from aws_cdk.aws_logs import LogGroup, LogStream, RetentionDays
from constructs import Construct

from constructs_lib.event_stream import EventStream
from constructs_lib.parquet_table import DailyParquetTable
from constructs_lib.private_bucket import PrivateBucket

OBJECT_ACTIONS = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject")
BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
"""Firehose Developer Guide, "Grant Firehose access to an Amazon S3 destination": nothing here deletes."""

MIN_BUFFER_MB = 64
"""Firehose requires at least this much when it converts to Parquet."""


class ParquetDelivery(Construct):
    """Reads the stream from its end (LATEST), so it must be deployed before the first record is sent.

    `interval` and `buffer_mb` decide when a file is written. Records that cannot be converted go below `error_prefix`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: EventStream,
        table: DailyParquetTable,
        bucket: PrivateBucket,
        prefix: str,
        error_prefix: str,
        interval: Duration,
        buffer_mb: int,
        log_retention: RetentionDays,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        if buffer_mb < MIN_BUFFER_MB:
            raise ValueError(f"a buffer of at least {MIN_BUFFER_MB} MB is needed for Parquet, not {buffer_mb}")
        self._log_group = LogGroup(self, "Logs", retention=log_retention, removal_policy=removal_policy)
        log_stream = LogStream(
            self, "LogStream", log_group=self._log_group, log_stream_name="S3", removal_policy=removal_policy
        )
        self.policy = self._policy(source, table, bucket, [prefix, error_prefix])
        self.role = Role(
            self,
            "Role",
            # Source: Firehose Developer Guide, "Allow Firehose to assume an IAM role". It sends no `aws:SourceAccount`.
            assumed_by=ServicePrincipal(
                "firehose.amazonaws.com", conditions={"StringEquals": {"sts:ExternalId": Aws.ACCOUNT_ID}}
            ),
            managed_policies=[self.policy],
        )
        self.delivery = CfnDeliveryStream(
            self,
            "Delivery",
            delivery_stream_type="KinesisStreamAsSource",
            kinesis_stream_source_configuration=CfnDeliveryStream.KinesisStreamSourceConfigurationProperty(
                kinesis_stream_arn=source.stream.stream_arn, role_arn=self.role.role_arn
            ),
            extended_s3_destination_configuration=CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket.bucket.bucket_arn,
                role_arn=self.role.role_arn,
                prefix=f"{prefix}{table.partition}=!{{timestamp:yyyy-MM-dd}}/",
                error_output_prefix=f"{error_prefix}!{{firehose:error-output-type}}/{table.partition}=!{{timestamp:yyyy-MM-dd}}/",
                buffering_hints=CfnDeliveryStream.BufferingHintsProperty(
                    interval_in_seconds=int(interval.to_seconds()), size_in_m_bs=buffer_mb
                ),
                cloud_watch_logging_options=CfnDeliveryStream.CloudWatchLoggingOptionsProperty(
                    enabled=True,
                    log_group_name=self._log_group.log_group_name,
                    log_stream_name=log_stream.log_stream_name,
                ),
                data_format_conversion_configuration=self._conversion(table),
            ),
        )
        self.delivery.node.add_dependency(self.policy)  # creating it reads the stream and the table in the role's name
        Validations.of(self.delivery).acknowledge(
            Acknowledgment(
                id="AwsSolutions-KDF1",
                reason="Firehose stores no records itself: the stream it reads is encrypted, and so is the bucket.",
            )
        )

    def metric(self, name: str) -> Metric:
        """One of Firehose's metrics about this delivery."""
        return Metric(
            namespace="AWS/Firehose", metric_name=name, dimensions_map={"DeliveryStreamName": self.delivery.ref}
        )

    def _conversion(self, table: DailyParquetTable) -> CfnDeliveryStream.DataFormatConversionConfigurationProperty:
        return CfnDeliveryStream.DataFormatConversionConfigurationProperty(
            enabled=True,
            input_format_configuration=CfnDeliveryStream.InputFormatConfigurationProperty(
                deserializer=CfnDeliveryStream.DeserializerProperty(
                    open_x_json_ser_de=CfnDeliveryStream.OpenXJsonSerDeProperty()
                )
            ),
            output_format_configuration=CfnDeliveryStream.OutputFormatConfigurationProperty(
                serializer=CfnDeliveryStream.SerializerProperty(
                    parquet_ser_de=CfnDeliveryStream.ParquetSerDeProperty(compression="SNAPPY")
                )
            ),
            schema_configuration=CfnDeliveryStream.SchemaConfigurationProperty(
                catalog_id=Aws.ACCOUNT_ID,
                database_name=table.table.database_name,
                table_name=table.table.ref,
                region=Aws.REGION,
                role_arn=self.role.role_arn,
                version_id="LATEST",
            ),
        )

    def _policy(
        self, source: EventStream, table: DailyParquetTable, bucket: PrivateBucket, prefixes: list[str]
    ) -> ManagedPolicy:
        policy = ManagedPolicy(self, "Policy", description="Writing Parquet files, and removing none")
        source.grant_read(policy)
        bucket.grant(policy, prefixes=prefixes, actions=OBJECT_ACTIONS)
        bucket.grant_on_bucket(policy, actions=BUCKET_ACTIONS)
        bucket.grant_key(policy, "Decrypt", "GenerateDataKey")
        table.grant_schema(policy)
        self._log_group.grant_write(policy)
        return policy
