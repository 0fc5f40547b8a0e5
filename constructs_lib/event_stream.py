"""A Kinesis stream that other accounts may read."""

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kinesis import CfnStreamConsumer, Stream, StreamEncryption, StreamMode
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key

READ_ACTIONS = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
"""The actions that Lambda, Firehose and the client library need to read a stream."""


class EventStream(Construct):
    """On demand and under a customer-managed key, so that other accounts can be allowed to read it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: IKey,
        retention: Duration,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = key
        self.stream = Stream(
            self,
            "Stream",
            stream_mode=StreamMode.ON_DEMAND,
            retention_period=retention,
            encryption=StreamEncryption.KMS,
            encryption_key=key,
            removal_policy=removal_policy,
        )
        Validations.of(self.stream).acknowledge(
            Acknowledgment(
                id="AwsSolutions-KDS3",
                reason="Other accounts can be allowed to use a customer-managed key only, not an AWS-managed one.",
            )
        )

    def grant_publish(self, grantee: IGrantable) -> None:
        """Allow PutRecords, and nothing else."""
        Grant.add_to_principal(grantee=grantee, actions=["kinesis:PutRecords"], resource_arns=[self.stream.stream_arn])
        grant_key(grantee, key=self.key, service="kinesis", actions=["GenerateDataKey"])

    def grant_read(self, grantee: IGrantable) -> None:
        """Allow reading from any position within the retention."""
        Grant.add_to_principal(grantee=grantee, actions=list(READ_ACTIONS), resource_arns=[self.stream.stream_arn])
        grant_key(grantee, key=self.key, service="kinesis", actions=["Decrypt"])

    def grant_subscribe(self, grantee: IGrantable, consumer: CfnStreamConsumer) -> None:
        """Allow what a mapping of Lambda needs besides `grant_read` to be one of the stream's consumers.

        Source: Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda".
        """
        Grant.add_to_principal(
            grantee=grantee, actions=["kinesis:SubscribeToShard"], resource_arns=[consumer.attr_consumer_arn]
        )
