"""A topic that alarms notify, and the rule that every alarm notifies it."""

import jsii
from aws_cdk import AspectPriority, Aspects, IAspect, RemovalPolicy, Stack
from aws_cdk.aws_cloudwatch import Alarm
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import Key
from aws_cdk.aws_sns import ITopic, Topic
from constructs import Construct, IConstruct

_CLOUDWATCH = "cloudwatch.amazonaws.com"


class AlarmTopic(Construct):
    """Encrypted and TLS only. The key is customer-managed: CloudWatch may not use the AWS-managed key of SNS."""

    def __init__(
        self, scope: Construct, construct_id: str, *, display_name: str, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = Key(
            self,
            "Key",
            description="Encrypts what alarms say",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        # No condition: AWS documents none that holds for CloudWatch's use of keys, and an alarm must not fail silently.
        # Source: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted
        # topics".
        self.key.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal(_CLOUDWATCH)],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in the policy of a key: that key
            )
        )
        self.topic = Topic(self, "Topic", display_name=display_name, master_key=self.key, enforce_ssl=True)
        self.topic.apply_removal_policy(removal_policy)  # with it would go everybody's subscriptions
        # Source: SNS Developer Guide, "Example cases for Amazon SNS access control".
        self.topic.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal(_CLOUDWATCH)],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"ArnLike": {"aws:SourceArn": _alarms_of(Stack.of(self))}},
            )
        )


def _alarms_of(stack: Stack) -> str:
    return stack.format_arn(service="cloudwatch", resource="alarm:*")


def notify_of_every_alarm(scope: Construct, topic: ITopic) -> None:
    """Notify `topic` when any alarm below `scope` goes off and when it ends, also for alarms that are added later."""
    Aspects.of(scope).add(_Notify(topic), priority=AspectPriority.MUTATING)


@jsii.implements(IAspect)
class _Notify:
    def __init__(self, topic: ITopic) -> None:
        self._action = SnsAction(topic)

    def visit(self, node: IConstruct) -> None:
        """Called for each construct before synthesis."""
        if isinstance(node, Alarm):
            node.add_alarm_action(self._action)
            node.add_ok_action(self._action)
