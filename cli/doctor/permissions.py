"""All that the doctor may ask, and the IAM policy that allows it. None of it changes anything.

A question that is not in this list cannot be asked: `cli.doctor.account` looks its action up before it asks. Run as a
module, `cli.reference` writes the policy to docs/doctor-policy.json; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ANYTHING: Final = ("*",)
"""The resource of actions that are not about one: see the Service Authorization Reference, by service."""


@dataclass(frozen=True)
class Permission:
    """An action as IAM calls it, and the resources it is needed on."""

    action: str
    resources: tuple[str, ...] = ANYTHING


PERMISSIONS: Final[Mapping[tuple[str, str], Permission]] = {
    ("sts", "get_caller_identity"): Permission("sts:GetCallerIdentity"),
    ("cloudformation", "describe_stacks"): Permission("cloudformation:DescribeStacks"),
    ("lambda", "get_account_settings"): Permission("lambda:GetAccountSettings"),
    ("kinesis", "describe_limits"): Permission("kinesis:DescribeLimits"),
    ("apigateway", "get_account"): Permission("apigateway:GET", ("arn:*:apigateway:*::/account",)),
    ("ssm", "get_parameter"): Permission("ssm:GetParameter", ("arn:*:ssm:*:*:parameter/cdk-bootstrap/*",)),
    ("ssm", "get_parameters"): Permission(
        "ssm:GetParameters", ("arn:*:ssm:*::parameter/aws/service/global-infrastructure/*",)
    ),
    ("lakeformation", "get_data_lake_settings"): Permission("lakeformation:GetDataLakeSettings"),
    ("sns", "list_subscriptions_by_topic"): Permission("sns:ListSubscriptionsByTopic", ("arn:*:sns:*:*:Daybook-*",)),
    ("dynamodb", "describe_table"): Permission("dynamodb:DescribeTable", ("arn:*:dynamodb:*:*:table/Daybook-*",)),
}
"""By service and operation of boto3. Actions and resource types: Service Authorization Reference."""


def action(service: str, operation: str) -> str:
    """What IAM calls the request. Raises KeyError for one that the doctor does not make."""
    return PERMISSIONS[service, operation].action


def policy() -> dict[str, Any]:
    """The policy document: one statement for each set of resources."""
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for each in PERMISSIONS.values():
        by_resources.setdefault(each.resources, []).append(each.action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
            for resources, actions in by_resources.items()
        ],
    }
