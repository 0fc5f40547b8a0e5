"""Verifies everything against everything: event table, receipts, commands, lake and log. Stateless."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_iam import IGrantable, ManagedPolicy
from constructs import Construct

from constructs_lib.alarms import alarm_on_any, alarm_on_silence
from constructs_lib.python_function import PythonFunction
from constructs_lib.segment_walk import SegmentWalk
from constructs_lib.walk_schedule import WalkSchedule
from stacks.environment import MOST_SILENT_HOURS, Environment
from stacks.functions import daybook_function, own_metric
from stacks.lake import LakeStack
from stacks.ledger import LedgerStack
from stacks.projections import ProjectionsStack
from stacks.retention import log_retention, removal_policy
from stacks.transparency import TransparencyStack

FUNCTION_TIMEOUT = Duration.minutes(15)
"""Lambda's longest. A step stops by itself long before."""


class VerificationStack(Stack):
    """The last but one: it reads what all others hold, and nothing waits for it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Environment,
        ledger: LedgerStack,
        projections: ProjectionsStack,
        lake: LakeStack,
        log: TransparencyStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = self._function(config, ledger, lake, log)
        _let_read(self.function.role, ledger)
        for each in (lake.may_query, lake.may_keep_findings, log.may_read_log):
            self.function.role.add_managed_policy(each)
        log.signing.grant_verify(self.function.role)
        self.walk = SegmentWalk(
            self,
            "Walk",
            function=self.function,
            step_timeout=FUNCTION_TIMEOUT,
            concurrency=config.rebuild_concurrency,
            final=[],
            log_retention=log_retention(config),
            log_removal_policy=removal_policy(config),
        )
        self._watch(config)
        if config.verification_schedule:
            self._schedule(config)
        self._operators(ledger, projections)
        CfnOutput(self, "VerificationArn", value=self.walk.arn)

    def _function(
        self,
        config: Environment,
        ledger: LedgerStack,
        lake: LakeStack,
        log: TransparencyStack,
    ) -> PythonFunction:
        return daybook_function(
            self,
            "Verifier",
            config=config,
            handler="ledger_verification",
            description="Verifies the ledger against the lake and the log, one segment a call",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            environment={
                "EVENT_TABLE": ledger.events.table.table_name,
                "RECEIPTS_TABLE": ledger.receipts.table.table_name,
                "COMMANDS_TABLE": ledger.commands.table.table_name,
                "LOG_BUCKET": log.log.bucket.bucket_name,
                "LOG_INDEX_TABLE": log.index.table.table_name,
                "LOG_KEY": log.signing.key.key_arn,
                "ATHENA_WORKGROUP": lake.workgroup.workgroup.ref,
                "GLUE_DATABASE": lake.database.ref,
                "RESULTS_BUCKET": lake.results.bucket.bucket_name,
                "PENDING_HOURS": str(config.verification_pending_hours),
                "SETTLE_MINUTES": str(config.verification_settle_minutes),
            },
            data=("analytics/queries", "analytics/views"),
        )

    def _schedule(self, config: Environment) -> None:
        schedule = WalkSchedule(
            self,
            "Regularly",
            walk=self.walk,
            segments=config.rebuild_segments,
            expression=config.verification_schedule,
            description="The verification of everything",
        )
        alarm_on_any(
            self,
            "VerificationNotStarted",
            metric=schedule.metric_dropped(),
            description="The schedule could not start the verification, after all retries.",
        )
        alarm_on_silence(
            self,
            "VerificationMissing",
            metric=self.walk.metric("ExecutionsSucceeded"),
            periods=MOST_SILENT_HOURS,
            description="A verification ended before, and none has for a week.",
        )

    def _watch(self, config: Environment) -> None:
        alarm_on_any(
            self,
            "Findings",
            metric=own_metric(config, "VerificationFindings"),
            description="A verification found what must not be: its log and its file of findings name the first.",
        )
        for state, name in (("Failed", "ExecutionsFailed"), ("TimedOut", "ExecutionsTimedOut")):
            alarm_on_any(
                self,
                f"Verification{state}",
                metric=self.walk.metric(name),
                description="A verification ended before it was complete: that is no finding, and no clean bill.",
            )

    def _operators(self, ledger: LedgerStack, projections: ProjectionsStack) -> None:
        """What `daybook verify --all` needs besides querying the lake and reading the log; and starting one in AWS.

        It compares read models, too, which the function does not.
        """
        may = ManagedPolicy(
            self, "MayVerify", description="Reading all tables that are compared, and starting a verification"
        )
        _let_read(may, ledger)
        for table in (ledger.events, ledger.receipts, ledger.commands):
            table.grant_estimate(may)
        for each in projections.read_models.values():
            each.table.grant_compare(may)
        self.walk.grant_operate(may)
        CfnOutput(self, "VerifyPolicyArn", value=may.managed_policy_arn)


def _let_read(grantee: IGrantable, ledger: LedgerStack) -> None:
    """Tables, by scans of those that have no other order, and never to write."""
    ledger.events.grant_verify(grantee)
    ledger.receipts.grant_walk(grantee)
    ledger.commands.grant_walk(grantee)
