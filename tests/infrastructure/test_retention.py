"""What outlives its stack, what a failed creation leaves, and which names could be taken already.

CloudFormation's `RetainExceptOnCreate` keeps a resource when its stack is removed, and removes it when its creation is
rolled back. Source: CloudFormation User Guide, "DeletionPolicy attribute".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambdas.projections.registry import PROJECTIONS
from stacks.environment import PROD, STACKS_WITH_DATA, environment
from tests.infrastructure.synthesis import Deployable, Resource, Synthesized, synthesize, synthesized_once

TABLE = "AWS::DynamoDB::Table"
HOLDS_DATA = {
    TABLE,
    "AWS::Athena::WorkGroup",
    "AWS::Backup::BackupVault",
    "AWS::Glue::Database",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
}
"""Types of which every resource is kept where data is protected: data, its keys, logs, and who is subscribed."""
ACCOUNT_WIDE = {"AWS::ApiGateway::Account": 1, "AWS::IAM::Role": 1}
"""How many of a type belong to a setting of the account, which other APIs use: kept everywhere."""
TO_GO_BACK_TO = {"AWS::Lambda::Version": 1}
"""The version of the API's function, for going back by hand: kept everywhere until its function goes."""

FIXED_NAMES = {
    ("AWS::ApiGateway::RestApi", "Name"): "shown only: APIs are told apart by their ids",
    ("AWS::ApiGateway::Stage", "StageName"): "a stage of its API; it is part of the address",
    ("AWS::Athena::NamedQuery", "Name"): "shown only: queries are told apart by their ids",
    ("AWS::CloudWatch::Alarm", "AlarmName"): "its path, so the stack's own; no alarm outlives its stack",
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentConfigName"): "not its own: one of AWS's ways to take over",
    ("AWS::CloudWatch::Alarm", "MetricName"): "not its own: what AWS and the functions call a metric",
    ("AWS::Glue::Table", "TableInput.Name"): "in its database, whose name is its stack's own; statements name it",
    ("AWS::IAM::Policy", "PolicyName"): "in its role, which CloudFormation names",
    ("AWS::Lambda::Alias", "Name"): "of its function, which CloudFormation names",
    ("AWS::Logs::LogStream", "LogStreamName"): "in its log group, which CloudFormation names",
    ("AWS::QuickSight::Dashboard", "Name"): "shown only: QuickSight tells by ids",
    ("AWS::QuickSight::DataSet", "Name"): "shown only: QuickSight tells by ids",
    ("AWS::QuickSight::DataSource", "Name"): "shown only: QuickSight tells by ids",
    ("AWS::SNS::Topic", "DisplayName"): "shown only: it stands in the subject of messages",
}
"""Every property that names something with a text known before, and why nothing of an earlier attempt can have it."""


def resources(of: Synthesized) -> Iterator[tuple[Deployable, str, Resource]]:
    """Every resource of every stack, with its stack and logical id."""
    for stack in of.stacks:
        for logical_id, resource in stack.body["Resources"].items():
            yield stack, logical_id, resource


def made_again(of: Synthesized, stack: Deployable, resource: Resource) -> bool:
    """Whether it is a read model, whose data is all in the event table, or the log's index, whose is in the seals."""
    return (stack is of.projections or stack is of.transparency) and resource["Type"] == TABLE


def policies(of: Synthesized, kind: str) -> set[tuple[str, str]]:
    """What becomes of all resources of a type when they are deleted, and when they are replaced."""
    found = [each for stack, _, each in resources(of) if each["Type"] == kind and not made_again(of, stack, each)]
    return {(each.get("DeletionPolicy", "Delete"), each.get("UpdateReplacePolicy", "Delete")) for each in found}


@pytest.fixture(scope="module")
def first(shared: Path) -> Synthesized:
    """`prod` as its first deployment creates it."""
    config = replace(environment(PROD.name), first=True)
    return synthesized_once(shared, "first", lambda outdir: synthesize(PROD.name, outdir=outdir, config=config))


def test_protected_data_outlives_its_stack_but_not_a_creation_that_failed(protected: Synthesized) -> None:
    for kind in HOLDS_DATA - {TABLE}:
        assert policies(protected, kind) == {("RetainExceptOnCreate", "Retain")}, kind


def test_only_tables_are_left_behind_by_a_creation_that_failed(anywhere: Synthesized) -> None:
    """They refuse to be deleted then, and their stack would be stuck with all they need."""
    left = {each["Type"] for _, _, each in resources(anywhere) if each.get("DeletionPolicy") == "Retain"}
    assert left == ({TABLE} if anywhere.config.protect_data else set())
    deletable = {
        each["Properties"]["DeletionProtectionEnabled"]
        for stack, _, each in resources(anywhere)
        if each["Type"] == TABLE and not made_again(anywhere, stack, each)
    }
    assert deletable == {anywhere.config.protect_data}


def test_read_models_and_the_index_of_the_log_go_with_their_stack(anywhere: Synthesized) -> None:
    """Each of them can be made again. One that stayed behind would hold customers' data that nobody looks after."""
    found = [each for stack, _, each in resources(anywhere) if made_again(anywhere, stack, each)]
    assert len(found) == len(PROJECTIONS) + 1
    for each in found:
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("Delete", "Delete")
        assert each["Properties"]["DeletionProtectionEnabled"] is False


def test_exactly_the_stacks_with_data_are_protected(anywhere: Synthesized) -> None:
    found = {each.name.rpartition("-")[2] for each in anywhere.stacks if each.termination_protection}
    assert found == (set(STACKS_WITH_DATA) if anywhere.config.protect_data else set())
    with_data = {
        stack.name.rpartition("-")[2]
        for stack, _, each in resources(anywhere)
        if each["Type"] in HOLDS_DATA - LOGS and not made_again(anywhere, stack, each)
    }
    assert with_data == set(STACKS_WITH_DATA)


LOGS = {"AWS::Logs::LogGroup", "AWS::Logs::LogStream"}


def test_nothing_else_is_kept(anywhere: Synthesized) -> None:
    kept: dict[str, int] = {}
    for _, _, each in resources(anywhere):
        if each.get("DeletionPolicy", "Delete") != "Delete" and each["Type"] not in HOLDS_DATA:
            kept[each["Type"]] = kept.get(each["Type"], 0) + 1
    assert kept == {**ACCOUNT_WIDE, **TO_GO_BACK_TO}


def test_what_is_not_protected_goes_with_its_stack(environments: Mapping[str, Synthesized]) -> None:
    for each in environments.values():
        if not each.config.protect_data:
            for kind in HOLDS_DATA:
                assert policies(each, kind) <= {("Delete", "Delete")}, kind
            _, workgroup = each.lake.only("AWS::Athena::WorkGroup")
            assert workgroup["Properties"]["RecursiveDeleteOption"] is True, "with the history of its queries"


def test_dev_can_be_destroyed_and_what_customers_may_rely_on_cannot() -> None:
    assert [environment(name).protect_data for name in ("local", "dev", "staging", "prod")] == [
        False,
        False,
        True,
        True,
    ]


def test_the_first_deployment_differs_in_protection_and_in_nothing_else(
    first: Synthesized, environments: Mapping[str, Synthesized]
) -> None:
    assert not any(each.termination_protection for each in first.stacks)
    assert policies(first, TABLE) == {("RetainExceptOnCreate", "Retain")}
    for mine, later in zip(first.stacks, environments[PROD.name].stacks, strict=True):
        assert without_protection(mine.body) == without_protection(later.body)


def without_protection(body: dict[str, Any]) -> dict[str, Any]:
    """A template whose tables may be deleted, and are removed with a creation that failed."""
    text = json.dumps(body).replace('"DeletionProtectionEnabled": true', '"DeletionProtectionEnabled": false')
    found: dict[str, Any] = json.loads(
        text.replace('"DeletionPolicy": "Retain"', '"DeletionPolicy": "RetainExceptOnCreate"')
    )
    return found


def named(resource: Resource) -> Iterator[tuple[str, Any]]:
    """The properties, also one level down in an input, that give a resource a name or an id."""
    for name, value in resource.get("Properties", {}).items():
        if re.search(r"(Name|Id)$", name):
            yield name, value
        if name.endswith("Input") and isinstance(value, dict) and "Name" in value:
            yield f"{name}.Name", value["Name"]


def is_fixed(value: Any) -> bool:
    """Whether a text is known before anything is deployed: nothing in it is named by AWS or by the stack's own id."""
    return not re.search(r"'(Ref|Fn::GetAtt|Fn::GetStackOutput)'", str(value))


@pytest.fixture(scope="module")
def everything(shared: Path) -> Synthesized:
    """`prod` with dashboards."""
    config = replace(environment(PROD.name), quicksight_user="default/ann")
    key = f"{PROD.name}-dashboards"
    return synthesized_once(shared, key, lambda outdir: synthesize(PROD.name, outdir=outdir, config=config))


def test_a_retry_meets_no_name_that_an_earlier_attempt_took(everything: Synthesized, local: Synthesized) -> None:
    for of in (everything, local):
        fixed = {(each["Type"], name) for _, _, each in resources(of) for name, value in named(each) if is_fixed(value)}
        assert fixed - FIXED_NAMES.keys() == set()
    assert {
        (each["Type"], name) for _, _, each in resources(everything) for name, value in named(each) if is_fixed(value)
    } == FIXED_NAMES.keys()


def test_what_must_be_named_ends_in_its_stacks_own_id(everything: Synthesized) -> None:
    own = {
        ("AWS::Athena::WorkGroup", "Name"),
        ("AWS::Backup::BackupVault", "BackupVaultName"),
        ("AWS::DynamoDB::Table", "TableName"),
        ("AWS::Glue::Database", "DatabaseInput.Name"),
        ("AWS::QuickSight::Dashboard", "DashboardId"),
        ("AWS::QuickSight::DataSet", "DataSetId"),
        ("AWS::QuickSight::DataSource", "DataSourceId"),
    }
    found = {
        (each["Type"], name): value
        for _, _, each in resources(everything)
        for name, value in named(each)
        if "AWS::StackId" in str(value)
    }
    assert found.keys() == own
    for value in found.values():
        _, [prefix, suffix, *_] = value["Fn::Join"]
        assert prefix.startswith("daybook")
        uuid = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
        assert suffix == {"Fn::Select": [0, {"Fn::Split": ["-", uuid]}]}
