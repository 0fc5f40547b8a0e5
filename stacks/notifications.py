"""The topic that all alarms of an environment notify, and a second one if the configuration names it."""

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_sns import ITopic, Topic
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
        second = config.second_alarm_topic_arn
        self.topics: list[ITopic] = [self.alarms.topic]
        """What every alarm notifies."""
        if second:
            self.topics.append(Topic.from_topic_arn(self, "Second", second))
        CfnOutput(self, "AlarmTopicArn", value=self.alarms.topic.topic_arn)
