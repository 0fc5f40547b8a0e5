"""`daybook doctor` on a deployed system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cli.app import main
from local.emulator import aws
from local.machine import files
from local.machine.environment import Environment
from tests.e2e.waiting import eventually

FAILS = json.dumps({
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Bad": {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:nobody"},
            "DependsOn": "Topic",
        },
    }
})  # fmt: skip
"""A template of which the second resource cannot be created."""


@pytest.fixture
def environment_file(environment: Environment, tmp_path: Path) -> Path:
    """A file that describes the system."""
    path = tmp_path / "environment.json"
    environment.save(path)
    assert files.read_json(path)["aws_endpoint_url"] == environment.aws_endpoint_url
    return path


@pytest.fixture
def stuck(environment: Environment) -> Iterator[str]:
    """The name of a stack of this environment whose creation was rolled back."""
    cloudformation = aws.client(environment, "cloudformation")
    name = f"Daybook-local-Attempt{uuid4().hex[:8]}"
    cloudformation.create_stack(StackName=name, TemplateBody=FAILS)

    def rolled_back() -> bool:
        [found] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return str(found["StackStatus"]) == "ROLLBACK_COMPLETE"

    eventually(rolled_back, "the end of the rollback")
    yield name
    cloudformation.delete_stack(StackName=name)


def diagnosis(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit status, and the findings by check."""
    status = main(["doctor", "--environment-file", str(path), "--json"])
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(capsys.readouterr().out)["data"]["findings"]:
        found.setdefault(each["check"], []).append(each)
    return status, found


def test_a_deployed_system_is_in_order_but_for_what_nobody_hears_and_what_cannot_be_asked_here(
    environment_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = diagnosis(environment_file, capsys)
    [unheard] = found.pop("subscribers of the alarms")  # other tests subscribe
    assert unheard["severity"] in {"ok", "warning"}
    severities = {check: {each["severity"] for each in several} for check, several in found.items()}
    unknown = {check for check, several in severities.items() if several == {"not known"}}
    assert unknown == {"services", "on-demand streams", "Lake Formation"}
    assert all(not each["mend"] for check in unknown for each in found[check])
    assert {check: several for check, several in severities.items() if check not in unknown} == {
        check: {"ok"} for check in severities if check not in unknown
    }
    assert found["bootstrap"][0]["found"].startswith("version ")


def test_a_subscriber_is_seen_and_a_creation_that_was_rolled_back(
    environment: Environment, environment_file: Path, stuck: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudformation, queues = aws.client(environment, "cloudformation"), aws.client(environment, "sqs")
    [notifications] = cloudformation.describe_stacks(StackName="Daybook-local-Notifications")["Stacks"]
    [topic] = [each["OutputValue"] for each in notifications["Outputs"] if each["OutputKey"] == "AlarmTopicArn"]
    queue = queues.create_queue(QueueName=f"team-{uuid4()}")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client(environment, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    status, found = diagnosis(environment_file, capsys)
    assert status == 1
    assert found["subscribers of the alarms"][0]["severity"] == "ok"
    [attempt] = [each for each in found["stacks"] if stuck in each["found"]]
    assert (attempt["severity"], attempt["found"]) == ("problem", f"the stack {stuck} is in ROLLBACK_COMPLETE")
    assert attempt["mend"] == "make recover ENV=local"
