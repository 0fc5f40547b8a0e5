"""Every alarm of every stack is heard in one place, which CloudWatch may reach and nobody without TLS."""

from dataclasses import replace
from pathlib import Path

from aws_cdk.aws_cloudwatch import Alarm, Metric

from stacks.environment import DEV
from stacks.stage import DaybookStage
from tests.infrastructure.permissions import path_of, rendered
from tests.infrastructure.synthesis import Deployable, Resource, Synthesized, synthesize

ALARM = "AWS::CloudWatch::Alarm"
TOPIC = "AWS::SNS::Topic"
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
ALARM_ARNS = "arn:<Partition>:cloudwatch:<Region>:<AccountId>:alarm:*"


def alarms(environment: Synthesized) -> list[tuple[Deployable, str, Resource]]:
    """Stack, path and properties of every alarm."""
    return [
        (stack, path_of(stack, name), each["Properties"])
        for stack in environment.stacks
        for name, each in stack.resources(ALARM).items()
    ]


def heard(environment: Synthesized, stack: Deployable, actions: object) -> bool:
    """Whether actions are exactly to tell the topic."""
    topic_id, _ = environment.notifications.only(TOPIC)
    if not isinstance(actions, list) or len(actions) != 1:
        return False
    owner, meant = environment.meant(actions[0]) or (stack, actions[0])
    return owner is environment.notifications and meant == {"Ref": topic_id}


def test_no_alarm_of_any_stack_goes_off_or_ends_unheard(anywhere: Synthesized) -> None:
    found = alarms(anywhere)
    silent = {each.name for each in anywhere.stacks} - {stack.name for stack, _, _ in found}
    on_several_metrics = set() if anywhere.config.metric_math_alarms else {"Backup", "Ledger"}
    assert {each.rpartition("-")[2] for each in silent} <= {"CanaryCaller", *on_several_metrics}
    for stack, path, alarm in found:
        assert heard(anywhere, stack, alarm.get("AlarmActions")), f"{path} goes off unheard"
        assert heard(anywhere, stack, alarm.get("OKActions")), f"{path} ends unheard"
        assert alarm.get("ActionsEnabled", True)


def test_an_alarm_that_is_made_by_itself_is_heard_too(tmp_path: Path) -> None:
    def add(stage: DaybookStage) -> None:
        metric = Metric(namespace="daybook", metric_name="Unforeseen")
        Alarm(stage.domain_events, "Bare", metric=metric, threshold=1, evaluation_periods=1)

    environment = synthesize("dev", outdir=tmp_path, change=add)
    [(stack, _, alarm)] = [each for each in alarms(environment) if each[1] == "DomainEvents/Bare"]
    assert heard(environment, stack, alarm["AlarmActions"])
    assert heard(environment, stack, alarm["OKActions"])


def test_every_stack_with_an_alarm_is_deployed_after_the_topic(anywhere: Synthesized) -> None:
    for stack, _, _ in alarms(anywhere):
        if stack is anywhere.notifications:
            continue
        assert anywhere.notifications.name in anywhere.dependencies[stack.name]
    assert anywhere.dependencies[anywhere.notifications.name] == set()


def test_the_topic_is_encrypted_under_a_key_that_cloudwatch_may_use(anywhere: Synthesized) -> None:
    """Under AWS's own key of the service it may not: its policy cannot be changed, and alarms would go off unheard."""
    key_id, key = anywhere.notifications.only("AWS::KMS::Key")
    _, topic = anywhere.notifications.only(TOPIC)
    assert topic["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert key["Properties"]["EnableKeyRotation"]
    statements = key["Properties"]["KeyPolicy"]["Statement"]
    [admitted] = [each for each in statements if each["Principal"] == CLOUDWATCH]
    assert admitted["Effect"] == "Allow"
    assert set(admitted["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "Condition" not in admitted


def test_only_this_accounts_alarms_are_published_and_nothing_without_tls(anywhere: Synthesized) -> None:
    topic_id, _ = anywhere.notifications.only(TOPIC)
    _, policy = anywhere.notifications.only("AWS::SNS::TopicPolicy")
    assert policy["Properties"]["Topics"] == [{"Ref": topic_id}]
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    [allowed] = [each for each in statements if each["Effect"] == "Allow"]
    [refused] = [each for each in statements if each["Effect"] == "Deny"]
    assert (allowed["Principal"], allowed["Action"]) == (CLOUDWATCH, "sns:Publish")
    [(operator, condition)] = allowed["Condition"].items()
    assert operator == "ArnLike"
    stack = anywhere.notifications
    assert rendered(anywhere, stack, condition["aws:SourceArn"]) == ALARM_ARNS
    assert refused["Principal"] == "*"
    assert refused["Action"] == "sns:Publish"
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_teams_find_the_topic_by_a_stable_output_name(cloud: Synthesized) -> None:
    topic_id, _ = cloud.notifications.only(TOPIC)
    cloud.notifications.template.has_output("AlarmTopicArn", {"Value": {"Ref": topic_id}})


def test_a_second_topic_hears_every_alarm_too(tmp_path: Path) -> None:
    second = "arn:aws:sns:eu-central-1:111122223333:central"
    environment = synthesize("dev", outdir=tmp_path, config=replace(DEV, second_alarm_topic_arn=second))
    for stack, path, alarm in alarms(environment):
        for kind in {"AlarmActions", "OKActions", "InsufficientDataActions"} & alarm.keys():
            first, *others = alarm[kind]
            assert others == [second], f"{path} has no {kind} for the second topic"
            assert heard(environment, stack, [first])


def test_what_does_not_reach_a_subscriber_raises_an_alarm(anywhere: Synthesized) -> None:
    topic_id, _ = anywhere.notifications.only(TOPIC)
    _, alarm = anywhere.notifications.only(ALARM)
    assert alarm["Properties"]["MetricName"] == "NumberOfNotificationsFailed"
    assert alarm["Properties"]["Dimensions"] == [
        {"Name": "TopicName", "Value": {"Fn::GetAtt": [topic_id, "TopicName"]}}
    ]
