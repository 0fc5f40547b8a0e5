"""A service is trusted under the conditions that AWS documents for it, and under no other.

A condition with a key that the service does not send is never met: the role cannot be assumed and the call is refused,
on AWS only. So every service principal of every template stands in the table below, with the page it follows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from stacks.environment import environment
from tests.infrastructure.conftest import ALL
from tests.infrastructure.permissions import as_list
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize, synthesized_once

ROLE, KEY, BUCKET, QUEUE, TOPIC = (
    f"AWS::{each}" for each in ("IAM::Role", "KMS::Key", "S3::BucketPolicy", "SQS::QueuePolicy", "SNS::TopicPolicy")
)
PERMISSION = "AWS::Lambda::Permission"
ACCOUNT_KEYS = {"aws:SourceAccount", "sts:ExternalId"}
"""Keys whose value is the account's id."""


@dataclass(frozen=True, kw_only=True)
class Documented:
    """The conditions (`OPERATOR KEY`) under which a service is trusted, and the page that shows them."""

    conditions: frozenset[str] = frozenset()
    page: str


DOCUMENTED = {
    ("lambda", ROLE): Documented(
        page="AWS Lambda Developer Guide, 'Defining Lambda function permissions with an execution role'"
    ),
    ("apigateway", ROLE): Documented(
        page="Amazon API Gateway Developer Guide, 'Control access to a REST API with IAM permissions', and for the "
        "role that writes logs 'Set up CloudWatch logging for REST APIs'"
    ),
    ("firehose", ROLE): Documented(
        conditions=frozenset({"StringEquals sts:ExternalId"}),
        page="Amazon Data Firehose Developer Guide, 'Allow Firehose to assume an IAM role'",
    ),
    ("quicksight", ROLE): Documented(page="Amazon QuickSight User Guide, 'Passing IAM roles to QuickSight'"),
    ("scheduler", ROLE): Documented(
        conditions=frozenset({"StringEquals aws:SourceAccount"}),
        page="EventBridge Scheduler User Guide, 'Confused deputy prevention in EventBridge Scheduler'",
    ),
    ("codedeploy", ROLE): Documented(
        conditions=frozenset({"StringEquals aws:SourceAccount", "StringLike aws:SourceArn"}),
        page="AWS CodeDeploy User Guide, 'Cross-service confused deputy prevention'",
    ),
    ("states", ROLE): Documented(
        conditions=frozenset({"ArnLike aws:SourceArn", "StringEquals aws:SourceAccount"}),
        page="AWS Step Functions Developer Guide, 'Creating an IAM role for your state machine in Step Functions': "
        "cross-service confused deputy prevention",
    ),
    ("sns", ROLE): Documented(
        page="Amazon SNS Developer Guide, 'Prerequisites for subscribing Firehose delivery streams to Amazon SNS "
        "topics': a role that trusts SNS, without a condition"
    ),
    ("backup", ROLE): Documented(page="AWS Backup Developer Guide, 'IAM service roles'"),
    ("cloudwatch", KEY): Documented(
        page="Amazon SNS Developer Guide, 'Enable compatibility between event sources from AWS services and encrypted "
        "topics': a statement without a condition"
    ),
    ("cloudwatch", TOPIC): Documented(
        conditions=frozenset({"ArnLike aws:SourceArn"}),
        page="Amazon SNS Developer Guide, 'Example cases for Amazon SNS access control': CloudWatch alarms",
    ),
    ("logging.s3", BUCKET): Documented(
        conditions=frozenset({"ArnLike aws:SourceArn", "StringEquals aws:SourceAccount"}),
        page="Amazon S3 User Guide, 'Enabling Amazon S3 server access logging'",
    ),
    ("events", QUEUE): Documented(
        conditions=frozenset({"ArnEquals aws:SourceArn"}),
        page="Amazon EventBridge User Guide, 'Using dead-letter queues to process undelivered events'",
    ),
    ("events", PERMISSION): Documented(
        conditions=frozenset({"ArnLike aws:SourceArn"}),
        page="Amazon EventBridge User Guide, 'Using resource-based policies for Amazon EventBridge': AWS Lambda",
    ),
    ("apigateway", PERMISSION): Documented(
        conditions=frozenset({"ArnLike aws:SourceArn"}),
        page="AWS Lambda Developer Guide, 'Invoking a Lambda function using an Amazon API Gateway endpoint'",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Trust:
    """A service that a resource trusts, and its conditions with their values."""

    service: str
    kind: str
    where: str
    conditions: dict[str, Any]


def services(principal: Any) -> list[str]:
    """Names of services among a statement's principals, without the domain."""
    found = as_list(principal.get("Service", [])) if isinstance(principal, dict) else []
    return [str(each).removesuffix(".amazonaws.com") for each in found]


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Every statement of a policy with a principal, wherever in a resource it stands."""
    if isinstance(value, dict):
        if "Principal" in value and "Effect" in value:
            yield value
        for each in value.values():
            yield from statements(each)
    elif isinstance(value, list):
        for each in value:
            yield from statements(each)


def trusts(stack: Deployable) -> Iterator[Trust]:
    """Every service that something in a stack trusts."""
    for name, resource in stack.body["Resources"].items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind == PERMISSION:
            given = {
                f"{operator} aws:{key}": properties[key]
                for key, operator in (("SourceArn", "ArnLike"), ("SourceAccount", "StringEquals"))
                if key in properties
            }  # Lambda's API Reference, "AddPermission": SourceArn is compared with StringLike's wildcards
            [service] = services({"Service": properties["Principal"]})
            yield Trust(service=service, kind=kind, where=f"{stack.name}/{name}", conditions=given)
        for statement in statements(properties):
            conditions = {
                f"{operator} {key}": value
                for operator, pairs in statement.get("Condition", {}).items()
                for key, value in pairs.items()
            }
            for service in services(statement["Principal"]):
                yield Trust(service=service, kind=kind, where=f"{stack.name}/{name}", conditions=conditions)


@pytest.fixture(params=ALL)
def complete(request: pytest.FixtureRequest, shared: Path) -> Synthesized:
    """Each environment with all that a switch can add to it."""
    name = request.param
    config = replace(
        environment(name), quicksight_user="default/ann", checkpoint_bucket_arn="arn:aws:s3:::kept-elsewhere"
    )
    return synthesized_once(shared, f"{name}-trust", lambda outdir: synthesize(name, outdir=outdir, config=config))


def test_every_service_is_trusted_under_the_documented_conditions_only(complete: Synthesized) -> None:
    found = [each for stack in complete.stacks for each in trusts(stack)]
    for each in found:
        documented = DOCUMENTED.get((each.service, each.kind))
        assert documented, f"{each.where} trusts {each.service}: add it to the table, with the page that documents it"
        assert set(each.conditions) == documented.conditions, f"{each.where}: {documented.page} shows other conditions"


def test_a_condition_names_this_account_or_a_resource_of_it(complete: Synthesized) -> None:
    for stack in complete.stacks:
        for each in trusts(stack):
            for condition, value in each.conditions.items():
                if condition.split()[1] in ACCOUNT_KEYS:
                    assert value == {"Ref": "AWS::AccountId"}, each.where
                else:
                    assert isinstance(value, dict), f"{each.where} trusts {value}, whoever owns it"


def test_the_table_holds_nothing_that_no_template_has(shared: Path) -> None:
    config = replace(environment("prod"), quicksight_user="default/ann")
    prod = synthesized_once(shared, "prod-trust", lambda outdir: synthesize("prod", outdir=outdir, config=config))
    assert {(each.service, each.kind) for stack in prod.stacks for each in trusts(stack)} == set(DOCUMENTED)
