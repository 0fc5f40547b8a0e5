"""The stream of domain events, and dead-letter buckets for what was not published and for what was not projected."""

from aws_cdk import CfnOutput, Duration
from aws_cdk.aws_iam import ManagedPolicy
from constructs import Construct

from constructs_lib.alarms import alarm_on_any
from constructs_lib.event_stream import EventStream
from constructs_lib.stream_mapping import MAPPING_PREFIX
from lambdas.publishing.parking import PREFIX as PARKING_PREFIX
from stacks.environment import Environment
from stacks.retention import removal_policy
from stacks.stateful import StatefulStack, parking_bucket

LASTING = 3
"""So many times five minutes."""


class DomainEventsStack(StatefulStack):
    """Stateful: protected like the ledger. Other services attach the read policy, or get a grant on `events`."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment) -> None:
        encrypts = (
            "Encrypts the domain events, read models of them, and events that could not be published or projected"
        )
        super().__init__(scope, construct_id, config=config, key_description=encrypts)
        self.events = EventStream(
            self,
            "Events",
            key=self.key,
            retention=Duration.days(config.event_stream_days),
            removal_policy=removal_policy(config),
        )
        self.parking = parking_bucket(self, config=config)
        readers = ManagedPolicy(self, "Readers", description="Reading the stream of domain events")
        self.events.grant_read(readers)
        self.may_park = ManagedPolicy(
            self, "MayPark", description="Writing records that failed to the dead-letter bucket"
        )
        self.parking.grant_on_bucket(self.may_park, actions=["s3:ListBucket"])
        for prefix in (PARKING_PREFIX, MAPPING_PREFIX):
            self.parking.grant_put(self.may_park, prefix=prefix)
        self._projected(config)
        self._watch()
        CfnOutput(self, "DomainEventStreamName", value=self.events.stream.stream_name)
        CfnOutput(self, "DomainEventStreamArn", value=self.events.stream.stream_arn)
        CfnOutput(self, "DomainEventKeyArn", value=self.key.key_arn)
        CfnOutput(self, "DomainEventReadPolicyArn", value=readers.managed_policy_arn)
        CfnOutput(self, "ParkingBucketName", value=self.parking.bucket.bucket_name)

    def _projected(self, config: Environment) -> None:
        """A bucket for batches that a projector failed on: `republish` sends again what is in the publisher's."""
        self.projection_parking = parking_bucket(self, config=config, construct_id="ProjectionParking")
        self.may_park_projected = ManagedPolicy(
            self, "MayParkProjected", description="Writing events that were not projected to the dead-letter bucket"
        )
        self.projection_parking.grant_on_bucket(self.may_park_projected, actions=["s3:ListBucket"])
        self.projection_parking.grant_put(self.may_park_projected, prefix=MAPPING_PREFIX)
        CfnOutput(self, "ProjectionParkingBucketName", value=self.projection_parking.bucket.bucket_name)

    def _watch(self) -> None:
        """Lasting throttles only: the publisher retries, and a stream on demand grows with what is sent."""
        stream = self.events.stream
        alarm_on_any(
            self,
            "WritesThrottled",
            metric=stream.metric_write_provisioned_throughput_exceeded(),
            periods=LASTING,
            description="The stream of domain events takes less than is sent, for a quarter of an hour. Events wait.",
        )
        alarm_on_any(
            self,
            "ReadsThrottled",
            metric=stream.metric_read_provisioned_throughput_exceeded(),
            periods=LASTING,
            description="Consumers of the stream of domain events read more than it gives, for a quarter of an hour.",
        )
