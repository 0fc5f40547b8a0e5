"""A table of rows under a two-part key, some of which expire: requests, and receipts of their answers."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    Table,
    TableEncryption,
)
from aws_cdk.aws_iam import IGrantable
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.table_access import grant_actions


class ReceiptTable(Construct):
    """On demand, point-in-time recovery, customer-managed key. Both keys are strings; `ttl_attribute` is a number."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        hash_key: str,
        range_key: str,
        ttl_attribute: str,
        key: IKey,
        removal_policy: RemovalPolicy,
        deletion_protection: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.table = Table(
            self,
            "Table",
            partition_key=Attribute(name=hash_key, type=AttributeType.STRING),
            sort_key=Attribute(name=range_key, type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=ttl_attribute,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            deletion_protection=deletion_protection,
            removal_policy=removal_policy,
        )

    def grant_receipts(self, grantee: IGrantable) -> None:
        """Allow putting receipts, alone or in a transaction. A failed condition returns the live one."""
        grant_actions(grantee, table=self.table, key=self._key, actions=["dynamodb:PutItem"])
