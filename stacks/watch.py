"""What looks at an environment as a whole: its dashboard, its keys, and the AWS account's concurrency."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_cloudwatch import Alarm, Metric
from aws_cdk.aws_kms import Key
from constructs import Construct

from constructs_lib.alarm_topic import alarm_name
from constructs_lib.alarms import alarm_above
from constructs_lib.key_watch import KeyWatch
from stacks.environment import Environment
from stacks.watch_dashboard import Watched, watch_dashboard

CLAIMED_SHARE = 0.8
"""The share of the quota of concurrent executions above which an alarm goes off."""


class WatchStack(Stack):
    """Stateless. The last of a stage: it watches all keys, and its dashboard lists all alarms, that are there."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment, watched: Watched) -> None:
        super().__init__(scope, construct_id)
        if config.account_concurrency:
            self._watch_account(config)
        KeyWatch(self, "Keys", keys=[each for each in scope.node.find_all() if isinstance(each, Key)])
        self.dashboard = watch_dashboard(self, config=config, watched=watched, alarms=_alarms(scope))
        CfnOutput(self, "DashboardName", value=self.dashboard.dashboard_name)

    def _watch_account(self, config: Environment) -> None:
        """What other functions cannot have: reserved, or in use by functions without a reservation.

        It has no dimension, so it counts all functions of the AWS account in this region.
        Source: AWS Lambda Developer Guide, "Monitoring concurrency".
        """
        alarm_above(
            self,
            "AccountConcurrency",
            metric=Metric(namespace="AWS/Lambda", metric_name="ClaimedAccountConcurrency"),
            threshold=CLAIMED_SHARE * config.account_concurrency,
            description="Four fifths of the AWS account's concurrent executions are taken: soon Lambda throttles.",
        )


def _alarms(scope: Construct) -> Sequence[str]:
    return [alarm_name(each) for each in scope.node.find_all() if isinstance(each, Alarm)]
