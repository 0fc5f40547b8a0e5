"""Publishes the event table's stream as domain events. Stateless: safe to replace."""

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from constructs_lib.alarms import alarm_above, alarm_on_any, alarm_on_unanswered
from constructs_lib.event_table import EventTable
from constructs_lib.stream_mapping import StreamMapping
from constructs_lib.table_alarms import succeeded
from stacks.domain_events import DomainEventsStack
from stacks.environment import Environment
from stacks.functions import daybook_function, own_metric
from stacks.generations import generation_id

FUNCTION_TIMEOUT = Duration.minutes(2)


class PublisherStack(Stack):
    """Delivers every record of the table's stream, MODIFY and REMOVE too: those raise an alarm."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Environment,
        events: EventTable,
        published: DomainEventsStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = daybook_function(
            self,
            "Publisher",
            config=config,
            handler="event_publisher",
            description="Publishes every row of the event table as a domain event",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            reserved_concurrency=config.publisher_reserved_concurrency,
            environment={
                "DOMAIN_EVENT_STREAM": published.events.stream.stream_name,
                "PARKING_BUCKET": published.parking.bucket.bucket_name,
            },
        )
        events.grant_stream_read(self.function.role)
        published.events.grant_publish(self.function.role)
        self.function.role.add_managed_policy(published.may_park)
        self.mapping = StreamMapping(
            self,
            generation_id("Mapping", config.ledger_generation),
            source_arn=events.table.table_stream_arn or "",
            function=self.function,
            parking=published.parking,
            batch_size=config.publisher_batch_size,
            batch_window=Duration.seconds(config.publisher_batch_window_seconds),
            retries=config.publisher_retries,
            record_age_seconds=config.publisher_record_age_seconds,
            enabled=config.writes,
        )
        self._watch(config)
        CfnOutput(self, "PublisherMappingId", value=self.mapping.mapping.ref)
        if config.metric_math_alarms:
            self._watch_reading(events)

    def _watch_reading(self, events: EventTable) -> None:
        """A mapping that is disabled or deleted has no iterator age, so `Behind` is silent then."""
        alarm_on_unanswered(
            self,
            "NotReading",
            causes={
                "put": succeeded(events.table, "PutItem"),
                "transact": succeeded(events.table, "TransactWriteItems"),
            },
            effect=self.function.live.metric_invocations(),
            description=(
                "Events are written and the publisher is not invoked: its event source mapping is disabled or gone. "
                "The stream keeps events for a day."
            ),
        )

    def _watch(self, config: Environment) -> None:
        alarm_above(
            self,
            "Behind",
            metric=self.function.function.metric("IteratorAge"),
            threshold=config.publisher_behind_seconds * 1000,
            description=(
                "The publisher lags: its oldest event has waited too long (milliseconds). "
                "The stream keeps events for a day."
            ),
        )
        alarm_on_any(
            self,
            "EventTableTampered",
            metric=own_metric(config, "EventTableTampered"),
            description=(
                "A row of the append-only event table was changed or removed, or one does not fit its account's chain. "
                "The publisher's log names it: find out by whom."
            ),
        )
        alarm_on_any(
            self,
            "RowsParked",
            metric=own_metric(config, "RowsParked"),
            description=(
                "A row cannot become a domain event. Its record is in the dead-letter bucket (ParkingBucketName)."
            ),
        )
        alarm_on_any(
            self,
            "BatchesParked",
            metric=self.mapping.metric_parked(),
            description=(
                "A batch failed in all its retries. "
                "Its records are in the dead-letter bucket (ParkingBucketName): republish them."
            ),
        )
        alarm_on_any(
            self,
            "RecordsGivenUp",
            metric=self.mapping.metric_given_up(),
            description=(
                "A batch failed in all its retries. Look for its records in the dead-letter bucket (ParkingBucketName)."
            ),
        )
        alarm_on_any(
            self,
            "ParkingFailed",
            metric=self.function.function.metric("DestinationDeliveryFailures"),
            description=(
                "Lambda could not write a failed batch to the dead-letter bucket. "
                "Its events are in the event table only: republish."
            ),
        )
        alarm_on_any(
            self,
            "FunctionErrors",
            metric=self.function.live.metric_errors(),
            description="The publisher raised an error or ran out of time. Lambda retries its batch.",
        )
