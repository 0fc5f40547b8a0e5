"""The daily report: a function on a schedule. Stateless: the reports are in the lake's results bucket."""

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import Grant, ManagedPolicy, Role, ServicePrincipal
from aws_cdk.aws_scheduler import CfnSchedule, CfnScheduleGroup
from constructs import Construct

from constructs_lib.alarms import alarm_on_any, alarm_on_silence
from constructs_lib.python_function import PythonFunction
from stacks.environment import Environment
from stacks.functions import daybook_function, own_metric
from stacks.lake import LakeStack

FUNCTION_TIMEOUT = Duration.minutes(15)


class ReportsStack(Stack):
    """Queries the lake once a day and writes the report below `reports/`."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment, lake: LakeStack) -> None:
        super().__init__(scope, construct_id)
        self.function = daybook_function(
            self,
            "DailyReport",
            config=config,
            handler="daily_report",
            description="Writes the report of yesterday, and of the days before for late events",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            environment={
                "ATHENA_WORKGROUP": lake.workgroup.workgroup.ref,
                "GLUE_DATABASE": lake.database.ref,
                "REPORT_BUCKET": lake.results.bucket.bucket_name,
            },
            data=("lambdas/reporting/templates", "analytics/queries", "analytics/views"),
        )
        self.function.role.add_managed_policy(lake.may_query)
        self.function.role.add_managed_policy(lake.may_report)
        group = self._schedule(config, self.function)
        may_run = ManagedPolicy(self, "MayRun", description="Writing the daily report by hand")
        Grant.add_to_principal(
            grantee=may_run, actions=["lambda:InvokeFunction"], resource_arns=[self.function.live.function_arn]
        )
        CfnOutput(self, "DailyReportName", value=self.function.function.function_name)
        CfnOutput(self, "DailyReportPolicyArn", value=may_run.managed_policy_arn)
        alarm_on_any(
            self,
            "ReportFailed",
            metric=self.function.live.metric_errors(),
            description="The daily report was not written.",
        )
        alarm_on_any(
            self,
            "EventsMissing",
            metric=own_metric(config, "EventsMissingInLake"),
            description="The lake lacks versions of accounts: `daybook reconcile` names the missing events.",
        )
        alarm_on_silence(
            self,
            "ReportMissing",
            metric=self.function.live.metric_invocations(),
            periods=config.report_silent_hours,
            description="The daily report ran before, and has not run for more than a day.",
        )
        # Source: EventBridge Scheduler User Guide, "Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch"
        alarm_on_any(
            self,
            "ReportNotStarted",
            metric=Metric(
                namespace="AWS/Scheduler",
                metric_name="InvocationDroppedCount",
                dimensions_map={"ScheduleGroup": group.ref},
            ),
            description="The schedule could not start the daily report, after all retries.",
        )

    def _schedule(self, config: Environment, function: PythonFunction) -> CfnScheduleGroup:
        """In a group of its own, since metrics are counted by group."""
        group = CfnScheduleGroup(self, "Schedules")
        role = Role(
            self,
            "SchedulerRole",
            # Source: EventBridge Scheduler User Guide, "Confused deputy prevention in EventBridge Scheduler".
            assumed_by=ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        Grant.add_to_principal(
            grantee=role, actions=["lambda:InvokeFunction"], resource_arns=[function.live.function_arn]
        )
        CfnSchedule(
            self,
            "Daily",
            description="The daily report",
            group_name=group.ref,
            schedule_expression=config.report_schedule,
            schedule_expression_timezone="UTC",
            flexible_time_window=CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=CfnSchedule.TargetProperty(
                arn=function.live.function_arn,
                role_arn=role.role_arn,
                input="{}",
                retry_policy=CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=10
                ),
            ),
        )
        return group
