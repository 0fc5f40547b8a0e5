"""Grants the use of a customer-managed key through one service only."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey


def grant_key(grantee: IGrantable, *, key: IKey, service: str, actions: Sequence[str]) -> None:
    """Give `grantee` exactly `actions` (without `kms:`) on `key`, when `service` (say `s3`) uses it for them."""
    Grant.add_to_principal(
        grantee=grantee,
        actions=[f"kms:{each}" for each in actions],
        resource_arns=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{Stack.of(key).region}.amazonaws.com"}},
    )
