"""Grants exact permissions on a table under a customer-managed key."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk.aws_dynamodb import Table
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey

KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""The actions that DynamoDB calls on the key in the caller's name, without wildcards.

`kms:CreateGrant` is left out: only the principal that creates the table needs it.
Source: DynamoDB Developer Guide, "Authorizing use of your KMS key".
"""


def grant_actions(grantee: IGrantable, *, table: Table, key: IKey, actions: Sequence[str]) -> None:
    """Give `grantee` exactly `actions` on `table`, and the use of `key` through DynamoDB only."""
    Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[table.table_arn])
    Grant.add_to_principal(
        grantee=grantee,
        actions=list(KEY_ACTIONS),
        resource_arns=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{Stack.of(table).region}.amazonaws.com"}},
    )
