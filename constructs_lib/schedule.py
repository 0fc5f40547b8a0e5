"""A schedule of EventBridge Scheduler on one target, with a role that may do nothing else."""

from aws_cdk import Aws, Duration
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import Grant, Role, ServicePrincipal
from aws_cdk.aws_scheduler import CfnSchedule, CfnScheduleGroup
from constructs import Construct


class Schedule(Construct):
    """A rate or a cron expression in UTC; the target gets `payload` by `action`, which is allowed on it and no more.

    An invocation that the target does not take is repeated up to `retries` times, while it is younger than `max_age`.
    With `enabled` False nothing is invoked.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        target_arn: str,
        action: str,
        payload: str,
        expression: str,
        description: str,
        retries: int,
        max_age: Duration,
        enabled: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        role = Role(
            self,
            "Role",
            # Source: EventBridge Scheduler User Guide, "Confused deputy prevention in EventBridge Scheduler".
            assumed_by=ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        Grant.add_to_principal(grantee=role, actions=[action], resource_arns=[target_arn])
        self.group = CfnScheduleGroup(self, "Group")  # of its own, since metrics are counted by group
        self.schedule = CfnSchedule(
            self,
            "Schedule",
            group_name=self.group.ref,
            description=description,
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            state="ENABLED" if enabled else "DISABLED",
            flexible_time_window=CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=CfnSchedule.TargetProperty(
                arn=target_arn,
                role_arn=role.role_arn,
                input=payload,
                retry_policy=CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=max_age.to_seconds(), maximum_retry_attempts=retries
                ),
            ),
        )

    def metric_dropped(self) -> Metric:
        """The number of invocations that were given up, after all retries.

        Source: EventBridge Scheduler User Guide, "Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch".
        """
        return Metric(
            namespace="AWS/Scheduler",
            metric_name="InvocationDroppedCount",
            dimensions_map={"ScheduleGroup": self.group.ref},
        )
