"""The alarms of the deployed system: heard by whoever subscribed to their topic, and shown on the dashboard."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from local.emulator import aws
from local.machine.environment import Environment

REASON = "somebody tries the bell"


@pytest.fixture
def alarms(environment: Environment) -> dict[str, dict[str, Any]]:
    """The deployed alarms by name."""
    pages = aws.client(environment, "cloudwatch").get_paginator("describe_alarms").paginate()
    return {each["AlarmName"]: each for page in pages for each in page["MetricAlarms"]}


@pytest.mark.parametrize(
    ("name", "state"),
    [("Daybook-local-Publisher-RowsParked", "ALARM"), ("Daybook-local-Reports-ReportMissing", "INSUFFICIENT_DATA")],
)
def test_a_subscriber_hears_an_alarm(
    environment: Environment, alarms: dict[str, dict[str, Any]], name: str, state: str
) -> None:
    """One on silence goes off by having no data. The state in which it was before is OK."""
    queues = aws.client(environment, "sqs")
    queue = queues.create_queue(QueueName=f"team-{uuid4()}")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    [topic] = alarms[name]["AlarmActions"]
    aws.client(environment, "cloudwatch").set_alarm_state(AlarmName=name, StateValue="OK", StateReason="before")
    subscription = aws.client(environment, "sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
    )["SubscriptionArn"]

    aws.client(environment, "cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=REASON)
    [message] = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    aws.client(environment, "sns").unsubscribe(SubscriptionArn=subscription)
    heard = json.loads(json.loads(message["Body"])["Message"])
    assert heard["AlarmName"] == name
    assert heard["AlarmDescription"] == alarms[name]["AlarmDescription"]
    assert (heard["NewStateValue"], heard["NewStateReason"]) == (state, REASON)


def test_the_dashboard_shows_the_alarms_that_are_deployed(
    environment: Environment, alarms: dict[str, dict[str, Any]]
) -> None:
    cloudwatch = aws.client(environment, "cloudwatch")
    [dashboard] = [
        each["DashboardName"]
        for each in cloudwatch.list_dashboards()["DashboardEntries"]
        if "Watch" in each["DashboardName"]
    ]
    body = json.loads(cloudwatch.get_dashboard(DashboardName=dashboard)["DashboardBody"])
    states = [alarm for each in body["widgets"] if each["type"] == "alarm" for alarm in each["properties"]["alarms"]]
    assert sorted(states) == sorted(each["AlarmArn"] for each in alarms.values())
