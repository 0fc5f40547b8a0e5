"""The topic that all alarms of an environment notify."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from constructs_lib.alarm_topic import AlarmTopic
from stacks.environment import Environment
from stacks.retention import removal_policy


class NotificationsStack(Stack):
    """Deployed before every stack that has an alarm. Protected, because it holds the subscriptions of teams."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment) -> None:
        super().__init__(scope, construct_id)
        self.alarms = AlarmTopic(
            self, "Alarms", display_name=f"Daybook {config.name}", removal_policy=removal_policy(config)
        )
        CfnOutput(self, "AlarmTopicArn", value=self.alarms.topic.topic_arn)
