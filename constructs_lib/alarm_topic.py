"""A topic that alarms notify, and the rule that every alarm notifies it and says where it is explained."""

from collections.abc import Callable, Sequence

import jsii
from aws_cdk import AspectPriority, Aspects, IAspect, RemovalPolicy, Stack
from aws_cdk.aws_cloudwatch import Alarm, CfnAlarm
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import Key
from aws_cdk.aws_sns import ITopic, Topic
from constructs import Construct, IConstruct

from constructs_lib.alarms import alarm_on_any

_CLOUDWATCH = "cloudwatch.amazonaws.com"


class AlarmTopic(Construct):
    """Encrypted and TLS only, with an alarm on deliveries that fail, which those hear whose deliveries do not.

    The key is customer-managed: CloudWatch may not use the AWS-managed key of SNS.
    """

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
        alarm_on_any(
            self,
            "NotDelivered",
            metric=self.topic.metric_number_of_notifications_failed(),
            description="What alarms say did not reach one of the subscribers.",
        )


def _alarms_of(stack: Stack) -> str:
    return stack.format_arn(service="cloudwatch", resource="alarm:*")


def notify_of_every_alarm(
    scope: Construct, topics: Sequence[ITopic], *, runbook: str, kind: Callable[[IConstruct], str | None]
) -> None:
    """Notify `topics` when any alarm below `scope` goes off and when it ends, also for alarms that are added later.

    An alarm whose missing data counts as MISSING goes off by having none: it notifies of that state, too.

    Each alarm is named after its path, `SCOPE-Stack-Construct`, because that name is what a notification shows, what a
    dashboard is built from and what people search for. Its description ends with the page `runbook` and the name of its
    entry there, which is the alarm's name without that of `scope`. Constructs of one kind have the same alarms, and one
    entry for all: `kind` names what stands in the entry's name instead of the construct's id, or None.
    """
    Aspects.of(scope).add(_Notify(scope, topics, runbook, kind), priority=AspectPriority.MUTATING)


def alarm_name(alarm: Alarm) -> str:
    """The name that `notify_of_every_alarm` gives."""
    return alarm.node.path.replace("/", "-")


@jsii.implements(IAspect)
class _Notify:
    def __init__(
        self, scope: Construct, topics: Sequence[ITopic], runbook: str, kind: Callable[[IConstruct], str | None]
    ) -> None:
        self._actions = [SnsAction(each) for each in topics]
        self._above = len(scope.node.scopes)
        self._runbook = runbook
        self._kind = kind

    def visit(self, node: IConstruct) -> None:
        """Called for each construct before synthesis."""
        if not isinstance(node, Alarm):
            return
        node.add_alarm_action(*self._actions)
        node.add_ok_action(*self._actions)
        resource = node.node.default_child
        assert isinstance(resource, CfnAlarm)  # noqa: S101 - what every Alarm is made of
        if resource.treat_missing_data == "missing":
            node.add_insufficient_data_action(*self._actions)
        resource.alarm_name = alarm_name(node)
        entry = "-".join(self._kind(each) or each.node.id for each in node.node.scopes[self._above :])
        resource.alarm_description = f"{resource.alarm_description or ''} {self._runbook}: {entry}".lstrip()
