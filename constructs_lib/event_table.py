"""An append-only table of events."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import Attribute, AttributeType
from aws_cdk.aws_iam import AnyPrincipal, Effect, Grant, IGrantable, PolicyStatement
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key
from constructs_lib.protected_table import ProtectedTable
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY

REWRITING_ACTIONS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
)
"""All actions that write an item, except PutItem.

A Put inside TransactWriteItems is authorised as `dynamodb:PutItem`, an Update or Delete inside one as UpdateItem
or DeleteItem, so this list covers transactions as well. BatchWriteItem cannot carry a condition.
Source: DynamoDB Developer Guide, "Using IAM with DynamoDB transactions".
"""


class EventTable(ProtectedTable):
    """An append-only table of streams of events.

    PutItem stays allowed although it could replace a row: IAM cannot require a condition expression.
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
            hash_key=Attribute(name=EVENT_TABLE_HASH_KEY, type=AttributeType.STRING),
            range_key=Attribute(name=EVENT_TABLE_RANGE_KEY, type=AttributeType.NUMBER),
            key=key,
            removal_policy=removal_policy,
            deletion_protection=deletion_protection,
        )
        self.table.add_to_resource_policy(
            PolicyStatement(
                sid="AppendOnly",
                effect=Effect.DENY,
                principals=[AnyPrincipal()],
                actions=list(REWRITING_ACTIONS),
                resources=["*"],  # this table: the policy is attached to it, and its own ARN would be a cycle
            )
        )

    def grant_append_and_read(self, grantee: IGrantable) -> None:
        """Allow appending, also in transactions, and reading streams; no update, no delete, no scan."""
        self._grant(grantee, "PutItem", "Query")

    def grant_read(self, grantee: IGrantable) -> None:
        """Allow reading streams by their ids; no scan, no append."""
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Query"], resource_arns=[self.table.table_arn])
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])

    def grant_walk(self, grantee: IGrantable) -> None:
        """Allow reading streams by their ids and all of them by scans; no append.

        Of all functions only those may have it that rebuild a read model or verify everything: whoever answers
        requests, publishes or projects must never scan.
        """
        self.grant_read(grantee)
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Scan"], resource_arns=[self.table.table_arn])

    def grant_rows(self, grantee: IGrantable) -> None:
        """Allow reading rows by their keys and by the ids of their streams; no scan, no append."""
        self.grant_read(grantee)
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:GetItem"], resource_arns=[self.table.table_arn])

    def grant_verify(self, grantee: IGrantable) -> None:
        """Allow what a walk takes, and reading many rows of many streams at once; no append."""
        self.grant_walk(grantee)
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:BatchGetItem"], resource_arns=[self.table.table_arn])
