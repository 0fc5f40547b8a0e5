"""Managed policies by which callers may use the API, route by route: see `lambdas.contracts.policies`."""

from collections.abc import Iterable, Mapping
from typing import cast

from aws_cdk import Acknowledgment, CfnOutput, Stack, Validations
from aws_cdk.aws_apigateway import CfnRestApi, RestApi
from aws_cdk.aws_iam import Grant, ManagedPolicy
from constructs import Construct

from constructs_lib.arns_in_findings import arn_in_findings
from lambdas.contracts.operations import Operation
from lambdas.contracts.policies import (
    ACTION,
    MAY_AUDIT,
    MAY_COMMAND,
    MAY_LIST,
    MAY_READ,
    MAY_READ_TOTALS,
    operations_of,
    route_of,
)

OUTPUTS: Mapping[str, str] = {
    MAY_READ: "ReadAccountsPolicyArn",
    MAY_LIST: "ListAccountsPolicyArn",
    MAY_READ_TOTALS: "ReadTotalsPolicyArn",
    MAY_AUDIT: "AuditRowsPolicyArn",
    MAY_COMMAND: "CommandPolicyArn",
}
"""The output that names each policy's ARN."""

_DESCRIPTIONS = {
    MAY_READ: "Reading accounts of the API, now and in the past",
    MAY_LIST: "Listing all accounts of the API",
    MAY_READ_TOTALS: "Reading what was booked each day over all accounts",
    MAY_AUDIT: "Reading the rows of accounts as they are stored, with who acted",
    MAY_COMMAND: "Sending commands to the API, and asking what became of them",
}


def add_api_policies(stack: Stack, api: RestApi, stage_name: str) -> dict[str, ManagedPolicy]:
    """Add the policies and their outputs, for roles of callers."""
    policies = {}
    for name, description in _DESCRIPTIONS.items():
        policies[name] = policy = ManagedPolicy(stack, name, description=description)
        grant_calls(
            policy,
            api,
            stage_name,
            operations_of(name),
            reason="Callers are trusted with every account, and an account's id is not known beforehand.",
        )
        CfnOutput(stack, OUTPUTS[name], value=policy.managed_policy_arn)
    return policies


def grant_calls(
    policy: ManagedPolicy, api: RestApi, stage_name: str, operations: Iterable[Operation], *, reason: str
) -> None:
    """Allow exactly these operations. Parameters of a route are wildcards in its ARN; `reason` acknowledges stars.

    Source: API Gateway Developer Guide, "Control access for invoking an API" (the ARN's form, and that it holds the
    path of the request, not of the resource).
    """
    routes = [route_of(each) for each in operations]
    arns = [api.arn_for_execute_api(method, path, stage_name) for method, path in routes]
    Grant.add_to_principal(grantee=policy, actions=[ACTION], resource_arns=arns)
    for method, path in routes:
        if "*" in path:
            _acknowledge(policy, api, f"{stage_name}/{method}{path}", reason)


def _acknowledge(policy: Construct, api: RestApi, route: str, reason: str) -> None:
    name = Stack.of(api).get_logical_id(cast("CfnRestApi", api.node.default_child))
    arn = arn_in_findings(Stack.of(api), "execute-api", f"<{name}>/{route}")
    Validations.of(policy).acknowledge(Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{arn}]", reason=reason))
