"""Read models of the domain events, one for each projection of the registry. They can be made again at any time."""

from collections.abc import Mapping, Sequence

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_iam import Grant, ManagedPolicy
from constructs import Construct

from constructs_lib.alarms import alarm_on_any, alarm_on_silence
from constructs_lib.function_schedule import FunctionSchedule
from constructs_lib.python_function import PythonFunction
from lambdas.projections.projection import AnyProjection
from lambdas.projections.registry import PROJECTIONS
from stacks.domain_events import DomainEventsStack
from stacks.environment import Environment
from stacks.functions import daybook_function
from stacks.ledger import LedgerStack
from stacks.read_models import ReadModel

LAG_TIMEOUT = Duration.minutes(1)
"""Between two measurements."""

SILENT_PERIODS = 3
"""Of five minutes."""


class ProjectionsStack(Stack):
    """A read model for each of `projections`, and what measures how far all of them are behind the stream.

    Nothing here waits for `writes`: an environment that only reads still has its read models follow what was published,
    a restore's announcements above all. And nothing has the generation of the ledger in its id: a restore replaces the
    event table, and the read models go on with the events that it announces.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Environment,
        ledger: LedgerStack,
        published: DomainEventsStack,
        projections: Sequence[AnyProjection] = PROJECTIONS,
    ) -> None:
        super().__init__(scope, construct_id)
        self.read_models: Mapping[str, ReadModel] = {
            each.name: ReadModel(
                self, pascal(each.name), projection=each, config=config, ledger=ledger, published=published
            )
            for each in projections
        }
        self.lag = self._lag(config, published)
        self._measure()
        self._operators(ledger, published)

    def _lag(self, config: Environment, published: DomainEventsStack) -> PythonFunction:
        function = daybook_function(
            self,
            "Lag",
            config=config,
            handler="projection_lag",
            description="Measures how far each read model is behind the stream of domain events",
            memory_mb=config.function_memory_mb,
            timeout=LAG_TIMEOUT,
            environment={
                "READ_MODEL_TABLES": read_model_tables(self, self.read_models),
                "DOMAIN_EVENT_STREAM": published.events.stream.stream_name,
            },
        )
        published.events.grant_read(function.role)
        for each in self.read_models.values():
            each.table.grant_measure(function.role)
        # What failed has told so; the next measurement comes in a minute.
        function.live.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        return function

    def _measure(self) -> None:
        schedule = FunctionSchedule(
            self,
            "Minutely",
            function=self.lag,
            expression="rate(1 minute)",
            description="The lag of all read models",
            retries=0,
            max_age=Duration.minutes(1),
        )
        alarm_on_any(
            self,
            "LagErrors",
            metric=self.lag.live.metric_errors(),
            periods=SILENT_PERIODS,
            description="The lag of read models could not be measured, again and again.",
        )
        alarm_on_silence(
            self,
            "LagNotMeasured",
            metric=self.lag.live.metric_invocations(),
            periods=SILENT_PERIODS,
            period=Duration.minutes(5),
            description="The lag of read models has not been measured for 15 minutes: nobody would hear of a lag.",
        )
        alarm_on_any(
            self,
            "LagNotStarted",
            metric=schedule.metric_dropped(),
            description="The schedule could not start the measurement of the lag.",
        )

    def _operators(self, ledger: LedgerStack, published: DomainEventsStack) -> None:
        """What `daybook projections` needs. Event table and stream are only read."""
        may = ManagedPolicy(self, "MayOperate", description="Rebuilding, comparing and switching read models")
        ledger.events.grant_walk(may)
        ledger.events.grant_estimate(may)
        published.events.grant_read(may)
        for each in self.read_models.values():
            each.table.grant_operate(may)
            Grant.add_to_principal(
                grantee=may, actions=["lambda:InvokeFunction"], resource_arns=[each.projector.live.function_arn]
            )
            each.walk.grant_operate(may)
        CfnOutput(self, "ProjectionsOperatePolicyArn", value=may.managed_policy_arn)


def read_model_tables(stack: Stack, read_models: Mapping[str, ReadModel]) -> str:
    """The tables by projection, as JSON, for a function of `stack`."""
    return stack.to_json_string({name: each.table.table.table_name for name, each in read_models.items()})


def pascal(name: str) -> str:
    """`account_summaries` as the id of a construct: `AccountSummaries`."""
    return "".join(each.capitalize() for each in name.split("_"))
