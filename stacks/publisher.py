"""From the event table's stream to the stream of domain events: stateless, safe to replace."""

from aws_cdk import Duration, Stack
from constructs import Construct

from constructs_lib.alarms import alarm_above, alarm_on_any
from constructs_lib.event_table import EventTable
from constructs_lib.stream_mapping import StreamMapping
from stacks.domain_events import DomainEventsStack
from stacks.environment import Environment
from stacks.functions import daybook_function, own_metric

FUNCTION_TIMEOUT = Duration.minutes(2)


class PublisherStack(Stack):
    """Takes every record of the table's stream, changes and removals too: those raise the alarm."""

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
            "Mapping",
            table=events.table,
            function=self.function,
            parking=published.parking,
            batch_size=config.publisher_batch_size,
            batch_window=Duration.seconds(config.publisher_batch_window_seconds),
            retries=config.publisher_retries,
            record_age_seconds=config.publisher_record_age_seconds,
        )
        self._watch(config)

    def _watch(self, config: Environment) -> None:
        alarm_above(
            self,
            "Behind",
            metric=self.function.function.metric("IteratorAge"),
            threshold=config.publisher_behind_seconds * 1000,
            description="Events wait too long to be published (milliseconds). They are lost after a day.",
        )
        alarm_on_any(
            self,
            "EventTableTampered",
            metric=own_metric(config, "EventTableTampered"),
            description="Somebody changed or removed a row of the event table, which nobody may.",
        )
        alarm_on_any(
            self,
            "RowsParked",
            metric=own_metric(config, "RowsParked"),
            description="A row cannot become a domain event; its record lies in the parking bucket.",
        )
        alarm_on_any(
            self,
            "BatchesParked",
            metric=self.mapping.metric_parked(),
            description="Publishing failed to the end of its retries; the records lie in the parking bucket.",
        )
        alarm_on_any(
            self,
            "RecordsGivenUp",
            metric=self.mapping.metric_given_up(),
            description="Publishing failed to the end of its retries; look for the records in the parking bucket.",
        )
        alarm_on_any(
            self,
            "ParkingFailed",
            metric=self.function.function.metric("DestinationDeliveryFailures"),
            description="Records that were given up could not be parked: they are in the event table only.",
        )
        alarm_on_any(
            self,
            "FunctionErrors",
            metric=self.function.live.metric_errors(),
            description="The publisher raised or ran out of time; its batch is tried again.",
        )
