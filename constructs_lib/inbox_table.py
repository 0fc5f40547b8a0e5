"""A table of stored requests, which are processed later."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import Attribute, AttributeType, ProjectionType
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key
from constructs_lib.protected_table import ProtectedTable


class InboxTable(ProtectedTable):
    """Both keys are strings; `ttl_attribute` is a number.

    `failed_index` lists the rows that have `failed_attribute` (a string) by its value: keys only, so that it costs
    nothing while nothing fails. Nobody may put or delete an item: requests are stored and moved by updates.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        hash_key: str,
        range_key: str,
        ttl_attribute: str,
        failed_index: str,
        failed_attribute: str,
        key: IKey,
        removal_policy: RemovalPolicy,
        deletion_protection: bool,
    ) -> None:
        by_id = Attribute(name=range_key, type=AttributeType.STRING)
        super().__init__(
            scope,
            construct_id,
            hash_key=Attribute(name=hash_key, type=AttributeType.STRING),
            range_key=by_id,
            ttl_attribute=ttl_attribute,
            key=key,
            removal_policy=removal_policy,
            deletion_protection=deletion_protection,
        )
        self._failed_index = failed_index
        self.table.add_global_secondary_index(
            index_name=failed_index,
            partition_key=Attribute(name=failed_attribute, type=AttributeType.STRING),
            sort_key=by_id,
            projection_type=ProjectionType.KEYS_ONLY,
        )

    def grant_submission(self, grantee: IGrantable) -> None:
        """Allow storing requests by an UpdateItem that keeps existing values. A failed condition returns the row."""
        self._grant(grantee, "UpdateItem")

    def grant_lookup(self, grantee: IGrantable) -> None:
        """Allow reading one row by its whole key."""
        self._grant(grantee, "GetItem")

    def grant_listing(self, grantee: IGrantable) -> None:
        """Allow reading the requests of one hash key."""
        self._grant(grantee, "Query")

    def grant_completion(self, grantee: IGrantable) -> None:
        """Allow moving requests to another state, alone or in a transaction, in which an Update is an UpdateItem."""
        self._grant(grantee, "UpdateItem")

    def grant_walk(self, grantee: IGrantable) -> None:
        """Allow reading all requests by scans, and single ones; no change."""
        for action in ("dynamodb:GetItem", "dynamodb:Scan"):
            Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=[self.table.table_arn])
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])

    def grant_redrive(self, grantee: IGrantable) -> None:
        """Allow finding requests that failed or were never processed, reading them, and setting them back to pending.

        Requests that were never processed are found by a Scan: an index of pending ones would cost each request two
        writes. The description of the table tells since when its stream delivers them.
        """
        self._grant(grantee, "DescribeTable", "GetItem", "Scan", "UpdateItem")
        index = f"{self.table.table_arn}/index/{self._failed_index}"
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Query"], resource_arns=[index])
