"""The policies by which callers use the API: on exactly the routes of the contract."""

from __future__ import annotations

import re

import pytest

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.operations import OPERATIONS, Operation
from lambdas.contracts.policies import (
    ACTION,
    MAY_AUDIT,
    MAY_COMMAND,
    MAY_LIST,
    MAY_READ,
    MAY_READ_TOTALS,
    operations_of,
    policy_of,
)
from lambdas.httpapi.routing import GATEWAY_ROUTES, ROUTES, served
from stacks.api_policies import OUTPUTS
from tests.infrastructure.permissions import policy_allows, rendered
from tests.infrastructure.synthesis import Synthesized
from tests.support.execute_api import Policy, statement
from tests.unit.httpapi.suite.gateway import found

NAMES = (MAY_READ, MAY_LIST, MAY_READ_TOTALS, MAY_AUDIT, MAY_COMMAND)
EVERY = (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS)
ACCOUNT = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"
VALUES = {"account_id": ACCOUNT, "command_id": "invoice.4711:a", "version": "17"}
PREFIX = "arn:<Partition>:execute-api:<Region>:<AccountId>:<Api/Rest/Api>/v1/"


ENDS = ("", "/", "/rows", "%2Frows", "//rows", "/../rows", "/../../rows", "/x", f"/../../{ACCOUNT}", "/../../accounts")
TEMPLATES = {**ROUTES, **GATEWAY_ROUTES}


def wildcard(parameter: re.Match[str]) -> str:
    return re.sub(r"[0-9a-f]", "?", ACCOUNT) if parameter[0] == "{account_id}" else "*"


def parameters(template: str) -> dict[str, str]:
    """As API Gateway would give them if it found the template at all."""
    return {name: VALUES[name] for name in re.findall(r"\{(\w+)\}", template)}


Policies = dict[str, Policy]
"""The policies of an environment, by name."""


@pytest.fixture
def policies(anywhere: Synthesized) -> Policies:
    return {name: policy(anywhere, name) for name in NAMES}


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
    return operation.method, operation.path.format(**VALUES)


@pytest.mark.parametrize("operation", EVERY, ids=lambda each: each.operation_id)
def test_its_policy_allows_an_operation_and_no_other_does(policies: Policies, operation: Operation) -> None:
    assert {name for name, each in policies.items() if each.allows(*request(operation))} == {policy_of(operation)}


@pytest.mark.parametrize("operation", EVERY, ids=lambda each: each.operation_id)
def test_another_spelling_that_a_policy_lets_through_leads_to_no_other_operation(
    policies: Policies, operation: Operation
) -> None:
    """A star stands for nothing and for slashes, too: what is let through is its own, or the function serves it not."""
    method, path = request(operation)
    for name, each in policies.items():
        own = {(each.method, each.path) for each in operations_of(name)}
        for spelled in (path + end for end in ENDS if each.allows(method, path + end)):
            served_as = {other for other in TEMPLATES if served(other, parameters(other), spelled)[0]}
            reached = {(method, other) for other in served_as if method in TEMPLATES[other]}
            assert reached <= own, (name, spelled)


@pytest.mark.parametrize("path", ["/accounts/", "/accounts//", "/accounts/../accounts", "/accounts/x/../../totals"])
def test_who_may_read_an_account_lists_none_by_another_spelling(policies: Policies, path: str) -> None:
    """And if a policy let it through, the function would not serve it."""
    assert not policies[MAY_READ].allows("GET", path)
    for resource in ("/accounts", "/totals"):
        assert served(resource, {}, path) == (None, path)
    assert served(*found(path), path)[0] != "/accounts"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"/accounts/{ACCOUNT}"),
        ("PUT", f"/accounts/{ACCOUNT}/credit"),
        ("POST", f"/accounts/{ACCOUNT}"),
        ("POST", "/accounts/"),
        ("POST", f"/accounts/{ACCOUNT}/reopen"),
        ("POST", "/totals"),
        ("GET", "/totals/"),
        ("GET", "/totals/EUR"),
        ("GET", "/"),
        ("POST", "/transfers/x"),
        ("OPTIONS", "/transfers"),
    ],
)
def test_nothing_else_is_allowed(policies: Policies, method: str, path: str) -> None:
    assert [name for name, each in policies.items() if each.allows(method, path)] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_route_stands_there_once_and_of_this_api_and_stage_alone(anywhere: Synthesized, name: str) -> None:
    routes = {PREFIX + each.method + re.sub(r"\{\w+\}", wildcard, each.path) for each in operations_of(name)}
    assert policy_allows(anywhere, anywhere.api, f"Api/{name}") == {route: {ACTION} for route in routes}


def test_roles_find_them_by_outputs(anywhere: Synthesized) -> None:
    for name, output in OUTPUTS.items():
        value = anywhere.api.body["Outputs"][output]["Value"]
        assert rendered(anywhere, anywhere.api, value) == f"<Api/{name}>"


def test_every_operation_is_in_one_of_them() -> None:
    assert [each for name in NAMES for each in operations_of(name)] == sorted(
        EVERY, key=lambda each: NAMES.index(policy_of(each))
    )
    names = {name: [each.operation_id for each in operations_of(name)] for name in NAMES[:-1]}
    assert names == {
        MAY_READ: ["getAccount", "getHistory", "getProof"],
        MAY_LIST: ["listAccounts"],
        MAY_READ_TOTALS: ["getTotals"],
        MAY_AUDIT: ["getRows"],
    }
    assert set(OUTPUTS) == set(NAMES)
