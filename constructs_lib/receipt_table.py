"""A table of receipts: the answers that were given to requests with an idempotency key, which expire."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import Attribute, AttributeType
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key
from constructs_lib.protected_table import ProtectedTable
from lambdas.eventsourcing.dynamodb_schema import (
    RECEIPT_TABLE_HASH_KEY,
    RECEIPT_TABLE_RANGE_KEY,
    RECEIPT_TABLE_TTL,
)


class ReceiptTable(ProtectedTable):
    """Receipts in a table of their own, so that a grant on it is a grant on receipts and nothing else.

    It has no stream: nothing follows from an answer.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: IKey,
        removal_policy: RemovalPolicy,
        deletion_protection: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            hash_key=Attribute(name=RECEIPT_TABLE_HASH_KEY, type=AttributeType.STRING),
            range_key=Attribute(name=RECEIPT_TABLE_RANGE_KEY, type=AttributeType.STRING),
            ttl_attribute=RECEIPT_TABLE_TTL,
            stream=False,
            key=key,
            removal_policy=removal_policy,
            deletion_protection=deletion_protection,
        )

    def grant_put(self, grantee: IGrantable) -> None:
        """Allow putting receipts, alone or in a transaction. A failed condition returns the live receipt."""
        self._grant(grantee, "PutItem")

    def grant_walk(self, grantee: IGrantable) -> None:
        """Allow reading all receipts by scans; no put."""
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Scan"], resource_arns=[self.table.table_arn])
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])
