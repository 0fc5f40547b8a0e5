"""Brings every message of a topic into a bucket of another account."""

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Validations
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import Grant, ManagedPolicy, Role, ServicePrincipal
from aws_cdk.aws_kinesisfirehose import CfnDeliveryStream
from aws_cdk.aws_logs import LogGroup, LogStream, RetentionDays
from aws_cdk.aws_sns import CfnSubscription, ITopic
from constructs import Construct

OBJECT_ACTIONS = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl")
BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
"""Source: Firehose Developer Guide, "Cross-account delivery to an Amazon S3 destination"."""

SUBSCRIBER_ACTIONS = (
    "firehose:DescribeDeliveryStream",
    "firehose:ListDeliveryStreams",
    "firehose:ListTagsForDeliveryStream",
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
)
"""Source: SNS Developer Guide, "Prerequisites for subscribing Firehose delivery streams to Amazon SNS topics"."""

INTERVAL = Duration.minutes(1)


class TopicArchive(Construct):
    """The topic's own messages, without SNS's envelope, in objects below `prefix`: those of a minute in one.

    A topic cannot write into a bucket, so Firehose does. The bucket's policy must let `role` in, and the bucket may
    refuse ACLs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic: ITopic,
        bucket_arn: str,
        prefix: str,
        log_retention: RetentionDays,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = LogGroup(self, "Logs", retention=log_retention, removal_policy=removal_policy)
        stream = LogStream(self, "LogStream", log_group=logs, log_stream_name="S3", removal_policy=removal_policy)
        may = self._may_write(bucket_arn, prefix, logs)
        self.role = Role(
            self,
            "Role",
            # Source: Firehose Developer Guide, "Allow Firehose to assume an IAM role". It sends no `aws:SourceAccount`.
            assumed_by=ServicePrincipal(
                "firehose.amazonaws.com", conditions={"StringEquals": {"sts:ExternalId": Aws.ACCOUNT_ID}}
            ),
            managed_policies=[may],
        )
        self.delivery = CfnDeliveryStream(
            self,
            "Delivery",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=CfnDeliveryStream.DeliveryStreamEncryptionConfigurationInputProperty(
                key_type="AWS_OWNED_CMK"
            ),
            extended_s3_destination_configuration=CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket_arn,
                role_arn=self.role.role_arn,
                prefix=prefix,
                error_output_prefix=f"{prefix}errors/",
                buffering_hints=CfnDeliveryStream.BufferingHintsProperty(
                    interval_in_seconds=int(INTERVAL.to_seconds())
                ),
                cloud_watch_logging_options=CfnDeliveryStream.CloudWatchLoggingOptionsProperty(
                    enabled=True, log_group_name=logs.log_group_name, log_stream_name=stream.log_stream_name
                ),
            ),
        )
        self.delivery.node.add_dependency(may)
        self._subscribe(topic)

    def metric(self, name: str) -> Metric:
        """One of Firehose's metrics about this delivery."""
        return Metric(
            namespace="AWS/Firehose", metric_name=name, dimensions_map={"DeliveryStreamName": self.delivery.ref}
        )

    def _may_write(self, bucket_arn: str, prefix: str, logs: LogGroup) -> ManagedPolicy:
        policy = ManagedPolicy(self, "Policy", description="Writing copies into another account's bucket")
        objects = f"{bucket_arn}/{prefix}*"
        Grant.add_to_principal(grantee=policy, actions=list(OBJECT_ACTIONS), resource_arns=[objects])
        Grant.add_to_principal(grantee=policy, actions=list(BUCKET_ACTIONS), resource_arns=[bucket_arn])
        logs.grant_write(policy)
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::{objects}]",
                reason="Firehose names the objects; all of them are below this prefix.",
            )
        )
        return policy

    def _subscribe(self, topic: ITopic) -> None:
        # No condition: the page shows none (SNS Developer Guide, "Prerequisites for subscribing Firehose delivery
        # streams to Amazon SNS topics").
        role = Role(self, "Subscriber", assumed_by=ServicePrincipal("sns.amazonaws.com"))
        granted = Grant.add_to_principal(
            grantee=role, actions=list(SUBSCRIBER_ACTIONS), resource_arns=[self.delivery.attr_arn]
        )
        subscription = CfnSubscription(
            self,
            "Subscription",
            topic_arn=topic.topic_arn,
            protocol="firehose",
            endpoint=self.delivery.attr_arn,
            raw_message_delivery=True,
            subscription_role_arn=role.role_arn,
        )
        granted.apply_before(subscription)
