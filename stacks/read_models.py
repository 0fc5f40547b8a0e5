"""The read model of one projection: its table, the projector that fills it, and what rebuilds it."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_cloudwatch import Metric, Stats
from aws_cdk.aws_kinesis import CfnStreamConsumer
from constructs import Construct

from constructs_lib.alarms import alarm_above, alarm_on_any, alarm_on_unanswered
from constructs_lib.read_model_table import ReadModelTable
from constructs_lib.segment_walk import SegmentWalk
from constructs_lib.stack_suffix import stack_suffix
from constructs_lib.stream_mapping import StreamMapping
from constructs_lib.table_alarms import watch_any_throttle
from lambdas.projections.dynamodb.table import INDEXES
from lambdas.projections.errors import ControlError, RebuildRunningError
from lambdas.projections.projection import AnyProjection
from stacks.domain_events import DomainEventsStack
from stacks.environment import Environment
from stacks.functions import SERVICE, daybook_function, own_metric
from stacks.ledger import LedgerStack
from stacks.retention import log_retention, removal_policy

PROJECTOR_TIMEOUT = Duration.minutes(2)
REBUILD_TIMEOUT = Duration.minutes(15)
"""Lambda's longest. A step stops by itself long before, at the share of it that raises the alarm on slow functions."""

FINAL = (RebuildRunningError.__name__, ControlError.__name__)
"""Errors of a step of a rebuild that come again however often it is tried: another run has taken over."""


class ReadModel(Construct):
    """Everything is named after the projection, and nothing but its name is particular to it."""

    def __init__(
        self,
        scope: Stack,
        construct_id: str,
        *,
        projection: AnyProjection,
        config: Environment,
        ledger: LedgerStack,
        published: DomainEventsStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self._name = projection.name
        dashes = projection.name.replace("_", "-")
        self.table = ReadModelTable(self, "ReadModel", name=f"daybook-{config.name}-{dashes}", key=published.key)
        variables = {
            "PROJECTION": projection.name,
            "READ_MODEL_TABLE": self.table.table.table_name,
            "EVENT_TABLE": ledger.events.table.table_name,
        }
        self.projector = daybook_function(
            self,
            "Projector",
            config=config,
            handler="projector",
            description=f"Folds domain events into the read model {projection.name}",
            memory_mb=config.function_memory_mb,
            timeout=PROJECTOR_TIMEOUT,
            environment=variables,
        )
        self.rebuilder = daybook_function(
            self,
            "Rebuild",
            config=config,
            handler="projection_rebuild",
            description=f"Folds the event table into the read model {projection.name}, one segment a call",
            memory_mb=config.function_memory_mb,
            timeout=REBUILD_TIMEOUT,
            environment=variables,
        )
        self._grant(ledger, published)
        self.mapping = self._mapping(config, published, dashes)
        self.walk = SegmentWalk(
            self,
            "Walk",
            function=self.rebuilder,
            step_timeout=REBUILD_TIMEOUT,
            concurrency=config.rebuild_concurrency,
            final=FINAL,
            log_retention=log_retention(config),
            log_removal_policy=removal_policy(config),
        )
        self._watch_projector(config)
        self._watch_read_model(config)
        if config.metric_math_alarms:
            self._watch_math(published)
        CfnOutput(scope, f"{construct_id}TableName", value=self.table.table.table_name)
        CfnOutput(scope, f"{construct_id}ProjectorName", value=self.projector.function.function_name)
        CfnOutput(scope, f"{construct_id}RebuildArn", value=self.walk.arn)

    def metric(self, config: Environment, name: str) -> Metric:
        """A metric that the functions write for this projection."""
        return own_metric(config, name, projection=self._name)

    def _grant(self, ledger: LedgerStack, published: DomainEventsStack) -> None:
        ledger.events.grant_read(self.projector.role)
        published.events.grant_read(self.projector.role)
        self.table.grant_fold(self.projector.role)
        self.projector.role.add_managed_policy(published.may_park_projected)
        ledger.events.grant_walk(self.rebuilder.role)
        self.table.grant_rebuild(self.rebuilder.role)

    def _mapping(self, config: Environment, published: DomainEventsStack, dashes: str) -> StreamMapping:
        source = published.events.stream.stream_arn
        if config.projection_fan_out:
            consumer = CfnStreamConsumer(
                self, "Consumer", stream_arn=source, consumer_name=f"{SERVICE}-{dashes}-{stack_suffix()}"
            )
            published.events.grant_subscribe(self.projector.role, consumer)
            source = consumer.attr_consumer_arn
        return StreamMapping(
            self,
            "Mapping",
            source_arn=source,
            function=self.projector,
            parking=published.projection_parking,
            batch_size=config.projection_batch_size,
            batch_window=Duration.seconds(config.projection_batch_window_seconds),
            retries=config.projection_retries,
            record_age_seconds=config.projection_record_age_seconds,
        )

    def _watch_projector(self, config: Environment) -> None:
        alarm_above(
            self,
            "Behind",
            metric=self.projector.function.metric("IteratorAge"),
            threshold=config.projection_behind_seconds * 1000,
            description=(
                "The projector lags: its oldest event has waited too long (milliseconds). "
                "A batch that fails again and again holds up its shard."
            ),
        )
        alarm_on_any(
            self,
            "BatchesParked",
            metric=self.mapping.metric_parked(),
            description=(
                "A batch was not projected in all its retries. "
                "Its records are in the dead-letter bucket (ProjectionParkingBucketName): retry its accounts."
            ),
        )
        alarm_on_any(
            self,
            "RecordsGivenUp",
            metric=self.mapping.metric_given_up(),
            description=(
                "A batch was not projected in all its retries. "
                "Look for its records in the dead-letter bucket (ProjectionParkingBucketName)."
            ),
        )
        alarm_on_any(
            self,
            "ParkingFailed",
            metric=self.projector.function.metric("DestinationDeliveryFailures"),
            description=(
                "Lambda could not write a failed batch to the dead-letter bucket. "
                "Nobody knows which accounts it was: compare, and retry those that differ, or rebuild."
            ),
        )
        alarm_on_any(
            self,
            "ProjectorErrors",
            metric=self.projector.live.metric_errors(),
            description="The projector raised an error or did not finish in time. Lambda retries its batch.",
        )

    def _watch_read_model(self, config: Environment) -> None:
        alarm_on_any(
            self,
            "AccountsStopped",
            metric=self.metric(config, "ProjectionAccountsStopped"),
            description=(
                "A projection cannot go on with an account: an event that it cannot take, or a fork. "
                "The others go on. The projector's log names the account and why."
            ),
        )
        alarm_above(
            self,
            "Lagging",
            metric=self.metric(config, "ProjectionLagSeconds"),
            threshold=config.projection_behind_seconds,
            description="The read model lags: its oldest event that is not folded has waited too long (seconds).",
        )
        for state, name in (("Failed", "ExecutionsFailed"), ("TimedOut", "ExecutionsTimedOut")):
            alarm_on_any(
                self,
                f"Rebuild{state}",
                metric=self.walk.metric(name),
                description="A rebuild ended before it was complete. The live generation goes on. Rebuild again.",
            )

    def _watch_math(self, published: DomainEventsStack) -> None:
        """Throttles, and a mapping that is disabled or gone: it has no errors."""
        watch_any_throttle(self, "TableThrottled", self.table.table, indexes=[each.name for each in INDEXES])
        alarm_on_unanswered(
            self,
            "NotReading",
            causes={"put": published.events.stream.metric_incoming_records(statistic=Stats.SUM)},
            effect=self.projector.live.metric_invocations(),
            description=(
                "Events are published and the projector is not invoked: its event source mapping is disabled or gone."
            ),
        )
