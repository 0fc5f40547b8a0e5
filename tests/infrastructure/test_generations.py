"""A restore raises the ledger's generation: every template that has to follow changes, so that the CLI deploys it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stacks.environment import PROD, Environment
from stacks.generations import TABLES, generation_id
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize, synthesized_once

TABLE = "AWS::DynamoDB::Table"
MAPPING = "AWS::Lambda::EventSourceMapping"
FUNCTION = "AWS::Lambda::Function"


@pytest.fixture(scope="module")
def restored(shared: Path) -> Synthesized:
    """Prod after its second restore."""
    config = replace(PROD, ledger_generation=3)
    return synthesized_once(shared, "prod-3", lambda outdir: synthesize("prod", outdir=outdir, config=config))


@pytest.fixture
def first(environments: Mapping[str, Synthesized]) -> Synthesized:
    return environments[PROD.name]


def refers_to_the_ledger(environment: Synthesized, stack: Deployable) -> bool:
    return f'"StackName": "{environment.ledger.name}"' in json.dumps(stack.body)


def test_every_stack_that_refers_to_the_ledger_or_has_a_function_gets_another_template(
    first: Synthesized, restored: Synthesized
) -> None:
    concerned = [each for each in first.stacks if refers_to_the_ledger(first, each) or each.resources(FUNCTION)]
    assert {each.name.rpartition("-")[2] for each in concerned} >= {"Api", "Commands", "Publisher", "Reports"}
    for each in concerned:
        assert restored.stack(each.name).body != each.body, f"{each.name} would go on with the replaced tables"


def test_the_number_stands_in_every_function(first: Synthesized, restored: Synthesized) -> None:
    for environment, number in ((first, "1"), (restored, "3")):
        for stack in environment.stacks:
            for function in stack.resources(FUNCTION).values():
                if not function["Properties"]["Handler"].startswith("lambdas."):
                    continue
                assert function["Properties"]["Environment"]["Variables"]["LEDGER_GENERATION"] == number


def test_no_reference_into_the_ledger_is_the_same_as_before(first: Synthesized, restored: Synthesized) -> None:
    """Its outputs for other stacks are named after the tables, so that no text can stand for two of them."""
    before, after = ({*of_tables(each)} for each in (first, restored))
    assert before
    assert not before & after


def of_tables(environment: Synthesized) -> list[str]:
    """The references of all stacks to the ledger's tables and streams."""
    found: list[str] = []

    def walk(value: Any) -> None:
        meant = environment.meant(value)
        if meant is not None:
            stack, target = meant
            logical_id = next(iter(target.values()), "") if isinstance(target, dict) else ""
            logical_id = logical_id if isinstance(logical_id, str) else logical_id[0]
            if stack is environment.ledger and logical_id in stack.resources(TABLE):
                found.append(json.dumps(value, sort_keys=True))
        for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(child)

    for each in environment.stacks:
        walk(each.body)
    return found


@pytest.mark.parametrize("stack", ["commands", "publisher"])
def test_a_new_mapping_reads_the_new_stream(first: Synthesized, restored: Synthesized, stack: str) -> None:
    (old_id, _), (new_id, new) = (getattr(each, stack).only(MAPPING) for each in (first, restored))
    assert old_id != new_id
    _, stream = restored.meant(new["Properties"]["EventSourceArn"]) or (None, {})
    table, attribute = stream["Fn::GetAtt"]
    assert attribute == "StreamArn"
    assert table == generation_id({"commands": "Commands", "publisher": "Events"}[stack], 3)


def test_restored_tables_have_logical_ids_that_the_import_can_name(restored: Synthesized) -> None:
    assert {*restored.ledger.resources(TABLE)} == {f"{name}Generation3" for name in TABLES}
    assert restored.ledger.body["Outputs"]["LedgerGeneration"]["Value"] == "3"


def test_a_restored_table_is_declared_as_the_first_one(first: Synthesized, restored: Synthesized) -> None:
    """The import takes the declaration for the truth, and `daybook restore` has made it true."""
    before = sorted((each["Properties"] for each in first.ledger.resources(TABLE).values()), key=str)
    after = sorted((each["Properties"] for each in restored.ledger.resources(TABLE).values()), key=str)
    assert before == after


COMES_WITH_A_RESTORE = {
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "SSESpecification",
}
PUT_BACK = {
    "DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "ResourcePolicy", "StreamSpecification", "Tags",
    "TimeToLiveSpecification",
}  # fmt: skip


def test_no_table_has_a_setting_that_a_restore_would_forget(cloud: Synthesized) -> None:
    """One that is added here has to be read in `cli/restore/declared.py`, and put back in `settings.py`."""
    tables = [each["Properties"] for each in cloud.ledger.resources(TABLE).values()]
    assert {name for each in tables for name in each} == COMES_WITH_A_RESTORE | PUT_BACK
    for each in tables:
        assert each["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, "no number of days"
        assert each.get("StreamSpecification", {}).keys() <= {"StreamViewType"}
        assert each["BillingMode"] == "PAY_PER_REQUEST"


def test_the_first_generation_is_called_as_if_there_were_no_other(first: Synthesized) -> None:
    paths = {each["Metadata"]["aws:cdk:path"].split("/")[2] for each in first.ledger.resources(TABLE).values()}
    assert paths == {*TABLES}


@pytest.mark.parametrize("generation", [0, -1])
def test_generations_begin_with_1(generation: int) -> None:
    with pytest.raises(ValueError, match="1, or more after a restore"):
        replace(PROD, ledger_generation=generation)


def test_the_number_is_an_environments_own() -> None:
    assert Environment.ledger_generation == 1
