"""The published history: the stream of domain events, and what could not be published."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_iam import ManagedPolicy
from aws_cdk.aws_kms import Key
from constructs import Construct

from constructs_lib.event_stream import EventStream
from constructs_lib.private_bucket import AccessLogBucket, PrivateBucket
from constructs_lib.stream_mapping import MAPPING_PREFIX
from lambdas.publishing.parking import PREFIX as PARKING_PREFIX
from stacks.environment import Environment


class DomainEventsStack(Stack):
    """Stateful: protected like the ledger. Other services attach the read policy, or are granted `events`."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment) -> None:
        super().__init__(scope, construct_id, termination_protection=config.protect_data)
        key = Key(
            self,
            "Key",
            description="Encrypts the domain events, and those that could not be published",
            enable_key_rotation=True,
            removal_policy=config.removal_policy,
        )
        self.events = EventStream(
            self,
            "Events",
            key=key,
            retention=Duration.days(config.event_stream_days),
            removal_policy=config.removal_policy,
        )
        access_logs = AccessLogBucket(
            self,
            "AccessLogs",
            keep=Duration.days(config.access_log_days),
            removal_policy=config.removal_policy,
        )
        self.parking = PrivateBucket(
            self,
            "Parking",
            key=key,
            access_logs=access_logs.bucket,
            keep_replaced=Duration.days(config.keep_replaced_days),
            lifecycle_rules=[],  # what is parked stays until somebody has dealt with it
            removal_policy=config.removal_policy,
        )
        readers = ManagedPolicy(self, "Readers", description="Reading daybook's domain events")
        self.events.grant_read(readers)
        self.may_park = ManagedPolicy(self, "MayPark", description="Keeping what could not be published")
        self.parking.grant_on_bucket(self.may_park, actions=["s3:ListBucket"])
        for prefix in (PARKING_PREFIX, MAPPING_PREFIX):
            self.parking.grant_put(self.may_park, prefix=prefix)
        CfnOutput(self, "DomainEventStreamName", value=self.events.stream.stream_name)
        CfnOutput(self, "DomainEventStreamArn", value=self.events.stream.stream_arn)
        CfnOutput(self, "DomainEventKeyArn", value=key.key_arn)
        CfnOutput(self, "DomainEventReadPolicyArn", value=readers.managed_policy_arn)
        CfnOutput(self, "ParkingBucketName", value=self.parking.bucket.bucket_name)
