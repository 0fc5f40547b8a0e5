"""A table of commands and idempotency receipts."""

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
from lambdas.commands.table import HASH_KEY, RANGE_KEY, TTL_ATTRIBUTE


class CommandsTable(Construct):
    """What was asked for: on demand, point-in-time recovery, rows that may expire."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: IKey,
        removal_policy: RemovalPolicy,
        deletion_protection: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.table = Table(
            self,
            "Table",
            partition_key=Attribute(name=HASH_KEY, type=AttributeType.STRING),
            sort_key=Attribute(name=RANGE_KEY, type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=TTL_ATTRIBUTE,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            deletion_protection=deletion_protection,
            removal_policy=removal_policy,
        )

    def grant_receipts(self, grantee: IGrantable) -> None:
        """Allow putting receipts, alone or in a transaction. A failed condition returns the live one."""
        grant_actions(grantee, table=self.table, key=self._key, actions=["dynamodb:PutItem"])
