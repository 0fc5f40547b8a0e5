"""Seals new events of the lake in the transparency log. Stateless: safe to replace."""

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk.aws_iam import Grant, ManagedPolicy, Role
from constructs import Construct

from constructs_lib.alarms import alarm_on_any, alarm_on_silence
from constructs_lib.function_schedule import FunctionSchedule
from constructs_lib.python_function import PythonFunction
from stacks.environment import Environment
from stacks.functions import SERVICE, daybook_function, own_metric
from stacks.lake import LakeStack
from stacks.transparency import TransparencyStack

FUNCTION_TIMEOUT = Duration.minutes(15)
"""Lambda's longest. What a run did not finish the next one does."""


class SealingStack(Stack):
    """Nothing here waits for `writes`: what was published before a restore is sealed, and so is what it revokes."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Environment, log: TransparencyStack, lake: LakeStack
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = self._function(config, log, lake)
        # What failed has told so; the next run goes on where it stopped.
        self.function.live.configure_async_invoke(retry_attempts=0, max_event_age=Duration.hours(1))
        self._watch(config)
        if config.seal_schedule:
            self._schedule(config)
        may_run = ManagedPolicy(self, "MayRun", description="Sealing by hand")
        Grant.add_to_principal(
            grantee=may_run, actions=["lambda:InvokeFunction"], resource_arns=[self.function.live.function_arn]
        )
        CfnOutput(self, "SealerName", value=self.function.function.function_name)
        CfnOutput(self, "SealPolicyArn", value=may_run.managed_policy_arn)

    def _function(self, config: Environment, log: TransparencyStack, lake: LakeStack) -> PythonFunction:
        return daybook_function(
            self,
            "Sealer",
            config=config,
            handler="sealer",
            description="Seals new events of the lake in the transparency log",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            environment={
                "LOG_BUCKET": log.log.bucket.bucket_name,
                "LOG_INDEX_TABLE": log.index.table.table_name,
                "LOG_KEY": log.signing.key.key_arn,
                "LOG_TOPIC": log.topic.topic_arn,
                "LOG_ORIGIN_PREFIX": f"{SERVICE}/{config.name}/{Aws.ACCOUNT_ID}/{Aws.REGION}",
                "ATHENA_WORKGROUP": lake.workgroup.workgroup.ref,
                "GLUE_DATABASE": lake.database.ref,
                "SEAL_LOOKBACK_DAYS": str(config.seal_lookback_days),
                "SEAL_HOLE_MINUTES": str(config.seal_hole_minutes),
            },
            data=("analytics/queries", "analytics/views"),
            role=Role.from_role_name(self, "Role", log.sealer.role_name),  # its logs and traces stand in this stack
        )

    def _schedule(self, config: Environment) -> None:
        schedule = FunctionSchedule(
            self,
            "Often",
            function=self.function,
            expression=config.seal_schedule,
            description="Sealing",
            retries=10,
            max_age=Duration.minutes(30),
        )
        alarm_on_any(
            self,
            "SealNotStarted",
            metric=schedule.metric_dropped(),
            description="The schedule could not start the sealer, after all retries.",
        )
        alarm_on_silence(
            self,
            "SealMissing",
            metric=self.function.live.metric_invocations(),
            periods=config.seal_silent_hours,
            description="The sealer ran before, and has not run for hours: nothing new is provable.",
        )

    def _watch(self, config: Environment) -> None:
        alarm_on_any(
            self,
            "SealFailed",
            metric=self.function.live.metric_errors(),
            description="A run of the sealer failed. The next one goes on where it stopped.",
        )
        for name, metric, description in (
            (
                "Fork",
                "LogForks",
                "The lake and the log differ about an event. The account is not sealed any more, the others are.",
            ),
            (
                "Hole",
                "LogHoles",
                "An event has waited too long in the lake for a version before it, which keeps it out of the log.",
            ),
            (
                "Conflict",
                "LogConflicts",
                "An object of the log is not what follows from its seals. Sealing has stopped.",
            ),
        ):
            alarm_on_any(self, name, metric=own_metric(config, metric), description=description)
