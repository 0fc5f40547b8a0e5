"""AwsSolutions holds for every cloud environment, and would notice if it did not."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import RemovalPolicy
from aws_cdk.aws_apigateway import AuthorizationType, CfnRequestValidator
from aws_cdk.aws_dynamodb import CfnTable
from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_s3 import Bucket
from aws_cdk.aws_sqs import Queue

from stacks.environment import CLOUD_NAMES as CLOUD
from stacks.stage import DaybookStage
from tests.infrastructure.synthesis import Synthesized, synthesize


def open_a_method(stage: DaybookStage) -> None:
    stage.api.rest_api.api.root.add_method("GET", authorization_type=AuthorizationType.NONE)


def add_a_bare_bucket(stage: DaybookStage) -> None:
    Bucket(stage.ledger, "Bare", removal_policy=RemovalPolicy.DESTROY)


def widen_the_function(stage: DaybookStage) -> None:
    stage.api.function.role.add_to_principal_policy(PolicyStatement(actions=["dynamodb:*"], resources=["*"]))


def grant_scans_everywhere(stage: DaybookStage) -> None:
    stage.api.function.role.add_to_principal_policy(PolicyStatement(actions=["dynamodb:Scan"], resources=["*"]))


def let_firehose_do_anything(stage: DaybookStage) -> None:
    stage.lake.lake.grant(stage.lake.delivery.policy, prefixes=["events/"], actions=["s3:*"])


def validate_no_bodies(stage: DaybookStage) -> None:
    validator = stage.api.rest_api.api.node.find_child("Validator").node.default_child
    assert isinstance(validator, CfnRequestValidator)
    validator.validate_request_body = False


def add_a_bare_queue(stage: DaybookStage) -> None:
    Queue(stage.commands, "Bare")


def let_the_processor_remove_what_is_parked(stage: DaybookStage) -> None:
    stage.ledger.parking.grant(stage.ledger.may_park, prefixes=["aws/lambda/"], actions=["s3:Delete*"])


def misspell_the_billing_mode(stage: DaybookStage) -> None:
    table = stage.ledger.events.table.node.default_child
    assert isinstance(table, CfnTable)
    table.billing_mode = "PAY_NEVER"


def test_every_cloud_environment_passes(cloud: Synthesized) -> None:
    assert cloud.config.require_iam, "a cloud environment was synthesized, and raised no finding"


FAULTS: dict[Callable[[DaybookStage], None], str] = {
    open_a_method: "AwsSolutions-APIG4",
    add_a_bare_bucket: "AwsSolutions-S1",
    widen_the_function: "AwsSolutions-IAM5[Action::dynamodb:*]",
    let_firehose_do_anything: "AwsSolutions-IAM5[Action::s3:*]",
    validate_no_bodies: "AwsSolutions-APIG2",
    add_a_bare_queue: "AwsSolutions-SQS3",
    let_the_processor_remove_what_is_parked: "AwsSolutions-IAM5[Action::s3:Delete*]",
}
"""Made together, which is one synthesis; none of them can raise the finding of another."""


def commit_all(stage: DaybookStage) -> None:
    for fault in FAULTS:
        fault(stage)


@pytest.fixture(scope="module", params=CLOUD)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What stopped the synthesis of each cloud environment with all these faults."""
    with pytest.raises(RuntimeError) as stopped:
        synthesize(request.param, outdir=tmp_path_factory.mktemp("faulty"), change=commit_all)
    return str(stopped.value)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_stops_synthesis(found: str, fault: Callable[[DaybookStage], None]) -> None:
    assert f"Acknowledge with 'AwsSolutions::{FAULTS[fault]}'" in found


@pytest.mark.parametrize("name", CLOUD)
def test_a_grant_on_everything_stops_synthesis(name: str, tmp_path: Path) -> None:
    """By itself: widening the function is on everything, too."""
    finding = re.escape("Acknowledge with 'AwsSolutions::AwsSolutions-IAM5[Resource::*]'")
    with pytest.raises(RuntimeError, match=finding):
        synthesize(name, outdir=tmp_path, change=grant_scans_everywhere)


def test_the_validator_of_cloudformation_stops_synthesis_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"BillingMode: 'PAY_NEVER' is not one of"):
        synthesize("local", outdir=tmp_path, change=misspell_the_billing_mode)
