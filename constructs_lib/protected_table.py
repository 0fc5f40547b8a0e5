"""A table that must not lose data: the settings that every such table shares."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import (
    Attribute,
    BillingMode,
    PointInTimeRecoverySpecification,
    StreamViewType,
    Table,
    TableEncryption,
)
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key
from constructs_lib.table_access import grant_actions


class ProtectedTable(Construct):
    """On demand, point-in-time recovery, customer-managed key. Rows expire by `ttl_attribute`.

    It has a stream of new images, unless `stream` is false.

    One region on purpose: a global table may lose a write (eventual) or has no transactions (strong).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        hash_key: Attribute,
        range_key: Attribute,
        ttl_attribute: str | None = None,
        stream: bool = True,
        key: IKey,
        removal_policy: RemovalPolicy,
        deletion_protection: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.table = Table(
            self,
            "Table",
            partition_key=hash_key,
            sort_key=range_key,
            time_to_live_attribute=ttl_attribute,
            billing_mode=BillingMode.PAY_PER_REQUEST,
            stream=StreamViewType.NEW_IMAGE if stream else None,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            deletion_protection=deletion_protection,
            removal_policy=removal_policy,
        )

    def grant_stream_read(self, grantee: IGrantable) -> None:
        """Allow reading the table's stream; no access to the table itself."""
        Grant.add_to_principal(
            grantee=grantee,
            actions=[
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
            ],
            resource_arns=[self.table.table_stream_arn or ""],
        )
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])

    def grant_estimate(self, grantee: IGrantable) -> None:
        """Allow reading how many items the table has, and how large they are together."""
        Grant.add_to_principal(
            grantee=grantee, actions=["dynamodb:DescribeTable"], resource_arns=[self.table.table_arn]
        )

    def _grant(self, grantee: IGrantable, *actions: str) -> None:
        """Allow exactly `actions` (without `dynamodb:`) on the table."""
        names = [f"dynamodb:{each}" for each in actions]
        grant_actions(grantee, table=self.table, key=self._key, actions=names)
