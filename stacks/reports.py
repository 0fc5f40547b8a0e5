"""The daily report: a function on a schedule. Stateless: the reports are in the lake's results bucket."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_iam import Grant, ManagedPolicy
from constructs import Construct

from constructs_lib.alarms import alarm_on_any, alarm_on_silence
from constructs_lib.function_schedule import FunctionSchedule
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
        schedule = FunctionSchedule(
            self,
            "Daily",
            function=self.function,
            expression=config.report_schedule,
            description="The daily report",
            retries=10,
            max_age=Duration.hours(1),
        )
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
        alarm_on_any(
            self,
            "ReportNotStarted",
            metric=schedule.metric_dropped(),
            description="The schedule could not start the daily report, after all retries.",
        )
