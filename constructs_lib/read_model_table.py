"""A table of a read model, which can be made again from the events."""

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
from constructs_lib.table_access import grant_actions
from lambdas.projections.table import HASH_KEY, INDEXES, RANGE_KEY, STOPPED


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

        Also in transactions, in which a check of another row is a ConditionCheckItem. Source: DynamoDB Developer Guide,
        "Using IAM with DynamoDB transactions".
        """
        self._grant(grantee, "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem")

    def grant_rebuild(self, grantee: IGrantable) -> None:
        """Allow folding, and what a rebuild keeps beside it: notes that it finds and removes."""
        self._grant(grantee, "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")

    def grant_measure(self, grantee: IGrantable) -> None:
        """Allow reading how far the read model is and what is stopped in it, and writing down what was measured."""
        self._grant(grantee, "GetItem", "PutItem", "Query")
        self._grant_index(grantee, STOPPED.name)

    def grant_read(self, grantee: IGrantable) -> None:
        """Allow reading rows by their keys and by the indexes; no scan."""
        table, indexes = self.table.table_arn, [f"{self.table.table_arn}/index/{each.name}" for each in INDEXES]
        Grant.add_to_principal(
            grantee=grantee, actions=["dynamodb:BatchGetItem", "dynamodb:GetItem"], resource_arns=[table]
        )
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Query"], resource_arns=[table, *indexes])
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])

    def grant_operate(self, grantee: IGrantable) -> None:
        """Allow operators to compare all rows, to change the control row, and to delete the rows of a generation."""
        self._grant(
            grantee,
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "DescribeTable",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
        )
        self._grant_index(grantee, STOPPED.name)

    def _grant(self, grantee: IGrantable, *actions: str) -> None:
        names = [f"dynamodb:{each}" for each in actions]
        grant_actions(grantee, table=self.table, key=self._key, actions=names)

    def _grant_index(self, grantee: IGrantable, index: str) -> None:
        arn = f"{self.table.table_arn}/index/{index}"
        Grant.add_to_principal(grantee=grantee, actions=["dynamodb:Query"], resource_arns=[arn])


def _text(name: str) -> Attribute:
    return Attribute(name=name, type=AttributeType.STRING)
