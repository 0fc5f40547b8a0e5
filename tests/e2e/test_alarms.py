"""An alarm of the deployed system is heard by whoever subscribed to its topic."""

from __future__ import annotations

import json
from uuid import uuid4

from local.emulator import aws
from local.machine.environment import Environment

REASON = "somebody tries the bell"


def test_a_subscriber_hears_an_alarm(environment: Environment) -> None:
    alarms = aws.client(environment, "cloudwatch")
    alarm = next(each for each in alarms.describe_alarms()["MetricAlarms"] if "RowsParked" in each["AlarmName"])
    queues = aws.client(environment, "sqs")
    queue = queues.create_queue(QueueName=f"team-{uuid4()}")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    [topic] = alarm["AlarmActions"]
    aws.client(environment, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason=REASON)
    [message] = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    heard = json.loads(json.loads(message["Body"])["Message"])
    assert heard["AlarmName"] == alarm["AlarmName"]
    assert heard["AlarmDescription"] == alarm["AlarmDescription"]
    assert (heard["NewStateValue"], heard["NewStateReason"]) == ("ALARM", REASON)
