"""The policies by which callers use the API: on exactly the routes of the contract."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.operations import OPERATIONS, Operation
from lambdas.contracts.policies import ACTION, MAY_COMMAND, MAY_READ, operations_of, policy_of
from stacks.api_policies import OUTPUTS
from tests.infrastructure.permissions import policy_allows, rendered
from tests.infrastructure.synthesis import Synthesized
from tests.support.execute_api import Policy, statement

EVERY = (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS)
ACCOUNT = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"
PREFIX = "arn:<Partition>:execute-api:<Region>:<AccountId>:<Api/Rest/Api>/v1/"


@dataclass(frozen=True)
class Policies:
    """The two policies of an environment."""

    read: Policy
    command: Policy


@pytest.fixture
def policies(anywhere: Synthesized) -> Policies:
    return Policies(*(policy(anywhere, name) for name in (MAY_READ, MAY_COMMAND)))


def policy(environment: Synthesized, name: str) -> Policy:
    stack = environment.api
    [document] = [
        each["Properties"]["PolicyDocument"]
        for each in stack.resources("AWS::IAM::ManagedPolicy").values()
        if each["Metadata"]["aws:cdk:path"].endswith(f"/{name}/Resource")
    ]
    found = []
    for each in document["Statement"]:
        arns = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
        found.append(statement(each, [rendered(environment, stack, arn) for arn in arns], "v1"))
    return Policy(found)


def request(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.path.format(account_id=ACCOUNT, command_id="invoice.4711:a")


@pytest.mark.parametrize("operation", EVERY, ids=lambda each: each.operation_id)
def test_its_policy_allows_an_operation(policies: Policies, operation: Operation) -> None:
    own = policies.read if policy_of(operation) == MAY_READ else policies.command
    assert own.allows(*request(operation))


def test_who_may_only_read_sends_no_command(policies: Policies) -> None:
    for operation in EVERY:
        if operation.method != "GET":
            assert not policies.read.allows(*request(operation)), operation.operation_id


def test_who_may_only_command_reads_no_account(policies: Policies) -> None:
    for operation in operations_of(MAY_READ):
        assert not policies.command.allows(*request(operation)), operation.operation_id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"/accounts/{ACCOUNT}"),
        ("PUT", f"/accounts/{ACCOUNT}/credit"),
        ("POST", f"/accounts/{ACCOUNT}"),
        ("POST", "/accounts/"),
        ("POST", f"/accounts/{ACCOUNT}/reopen"),
        ("GET", "/accounts"),
        ("GET", "/totals"),
        ("POST", "/transfers/x"),
        ("OPTIONS", "/transfers"),
    ],
)
def test_nothing_else_is_allowed(policies: Policies, method: str, path: str) -> None:
    assert not policies.read.allows(method, path)
    assert not policies.command.allows(method, path)


@pytest.mark.parametrize("name", [MAY_READ, MAY_COMMAND])
def test_each_route_stands_there_once_and_of_this_api_and_stage_alone(anywhere: Synthesized, name: str) -> None:
    routes = {PREFIX + each.method + re.sub(r"\{\w+\}", "*", each.path) for each in operations_of(name)}
    assert policy_allows(anywhere, anywhere.api, f"Api/{name}") == {route: {ACTION} for route in routes}


def test_roles_find_them_by_outputs(anywhere: Synthesized) -> None:
    for name, output in OUTPUTS.items():
        value = anywhere.api.body["Outputs"][output]["Value"]
        assert rendered(anywhere, anywhere.api, value) == f"<Api/{name}>"


def test_every_operation_is_in_one_of_them() -> None:
    assert {*operations_of(MAY_READ), *operations_of(MAY_COMMAND)} == set(EVERY)
    assert [each.operation_id for each in operations_of(MAY_READ)] == ["getAccount", "getHistory"]
