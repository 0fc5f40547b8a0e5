"""A table of a read model, which can be made again from the events."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    ProjectionType,
    Table,
    TableEncryption,
)
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key
from constructs_lib.stack_suffix import stack_suffix
from constructs_lib.table_access import KEY_ACTIONS
from lambdas.projections.dynamodb.table import (
    CONTROL_KEY,
    HASH_KEY,
    INDEXES,
    LAG_KEY,
    LISTINGS,
    POSITIONS_PARTITION,
    RANGE_KEY,
    RESTORES_PARTITION,
    STOPPED,
    Index,
)

OF_A_GENERATION = "*#*"
"""The hash keys of all items that belong to a generation: its number stands before the first #."""

DEFERRED = "*#deferred"
"""Those of the notes of accounts that were left to a rebuild: `deferred_partition` of any generation."""

WRITING = [each.removeprefix("kms:") for each in KEY_ACTIONS]

CONTROL, LAG = CONTROL_KEY[HASH_KEY]["S"], LAG_KEY[HASH_KEY]["S"]


class ReadModelTable(Construct):
    """On demand, under a customer-managed key, with keys-only indexes. No stream: nothing follows from it.

    It holds nothing that is not in the events, so it has no point-in-time recovery and no deletion protection, and goes
    with its stack. Yet readers would miss it until it is built again, so it has a name, `name` and the stack's suffix:
    CloudFormation refuses to replace what has one. A changed key fails the deployment and leaves the table as it is;
    who means it gives the new table another name. Source: CloudFormation Template Reference, "CloudFormation resource
    custom naming".
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: IKey) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.table = Table(
            self,
            "Table",
            table_name=f"{name}-{stack_suffix()}",
            partition_key=_text(HASH_KEY),
            sort_key=_text(RANGE_KEY),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=False),
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            deletion_protection=False,
            removal_policy=RemovalPolicy.DESTROY,
        )
        for each in INDEXES:
            self.table.add_global_secondary_index(
                index_name=each.name,
                partition_key=_text(each.hash_key),
                sort_key=_text(each.range_key),
                projection_type=ProjectionType.KEYS_ONLY,
            )
        Validations.of(self.table).acknowledge(
            Acknowledgment(id="AwsSolutions-DDB3", reason="It is made again from the events, from any loss of it.")
        )

    def grant_fold(self, grantee: IGrantable) -> None:
        """Allow what folding events takes: reading rows by their whole keys, putting them, and adding to them.

        Of what belongs to no generation it may write positions in the stream and notes of restores, but neither the
        control row nor a lag.
        """
        self._grant(grantee, "ConditionCheckItem", "GetItem")
        self._grant(grantee, "PutItem", "UpdateItem", keys=[OF_A_GENERATION, POSITIONS_PARTITION, RESTORES_PARTITION])

    def grant_rebuild(self, grantee: IGrantable) -> None:
        """Allow folding, moving the control row on, and finding and removing notes of accounts that were left."""
        self._grant(grantee, "ConditionCheckItem", "GetItem", "Query")
        self._grant(grantee, "PutItem", "UpdateItem", keys=[OF_A_GENERATION, CONTROL])
        self._grant(grantee, "DeleteItem", keys=[DEFERRED])

    def grant_measure(self, grantee: IGrantable) -> None:
        """Allow reading how far the read model is and what is stopped in it, and writing down what was measured."""
        self._grant(grantee, "BatchGetItem", "GetItem", "Query", index=STOPPED)
        self._grant(grantee, "PutItem", keys=[LAG])

    def grant_read(self, grantee: IGrantable) -> None:
        """Allow reading rows by their keys and by the index of listings; no scan."""
        self._grant(grantee, "BatchGetItem", "GetItem", "Query", index=LISTINGS)

    def grant_compare(self, grantee: IGrantable) -> None:
        """Allow reading and counting all that is folded; no change."""
        self._grant(grantee, "BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan", index=STOPPED)

    def grant_operate(self, grantee: IGrantable) -> None:
        """Allow operators to read and count all, to change the control row, and to delete rows of generations.

        They go in batches, and IAM cannot tell a deletion in one from a replacement.
        """
        self._grant(grantee, "BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan", index=STOPPED)
        self._grant(grantee, "PutItem", keys=[CONTROL])
        self._grant(grantee, "BatchWriteItem", keys=[OF_A_GENERATION])

    def _grant(self, grantee: IGrantable, *actions: str, index: Index | None = None, keys: Sequence[str] = ()) -> None:
        """Allow exactly `actions` (without `dynamodb:`), on items with these hash keys only if there are any.

        A Query may also be one of `index`. What is in a transaction is allowed as if it stood alone, a check of a
        condition as ConditionCheckItem. Sources: DynamoDB Developer Guide, "Using IAM with DynamoDB transactions" and
        "Using IAM policy conditions for fine-grained access control" (`dynamodb:LeadingKeys`).
        """
        Grant.add_to_principal(
            grantee=grantee,
            actions=[f"dynamodb:{each}" for each in actions],
            resource_arns=[self.table.table_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}} if keys else None,
        )
        if index:
            arn = f"{self.table.table_arn}/index/{index.name}"
            Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Query"], resource_arns=[arn])
        grant_key(grantee, key=self._key, service="dynamodb", actions=WRITING if keys else ["Decrypt"])


def _text(name: str) -> Attribute:
    return Attribute(name=name, type=AttributeType.STRING)
