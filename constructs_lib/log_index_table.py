"""The table of where an account's events stand in the log, which can be made again from the log's seals."""

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    Table,
    TableEncryption,
)
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_kms import IKey
from constructs import Construct

from constructs_lib.key_access import grant_key
from constructs_lib.stack_suffix import stack_suffix
from constructs_lib.table_access import KEY_ACTIONS
from lambdas.transparency.index import HASH_KEY, RANGE_KEY

READING = ("BatchGetItem", "Query")
WRITING = ("ConditionCheckItem", "DeleteItem", "PutItem")
MAKING_ANEW = ("BatchWriteItem", "Scan")


class LogIndexTable(Construct):
    """On demand, under a customer-managed key, without a stream, point-in-time recovery or protection.

    Yet without it no event has a proof until it is made again, so it has a name, `name` and the stack's suffix:
    CloudFormation refuses to replace what has one. Source: CloudFormation Template Reference, "CloudFormation resource
    custom naming".
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: IKey) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.table = Table(
            self,
            "Table",
            table_name=f"{name}-{stack_suffix()}",
            partition_key=Attribute(name=HASH_KEY, type=AttributeType.STRING),
            sort_key=Attribute(name=RANGE_KEY, type=AttributeType.NUMBER),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=False),
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            deletion_protection=False,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self.table).acknowledge(
            Acknowledgment(id="AwsSolutions-DDB3", reason="It is made again from the log's seals, from any loss of it.")
        )

    def grant_prove(self, grantee: IGrantable) -> None:
        """Allow finding where an account's event stands."""
        self._grant(grantee, ("Query",))
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])

    def grant_read(self, grantee: IGrantable) -> None:
        """Allow that, and reading many accounts' heads at once; no scan."""
        self._grant(grantee, READING)
        grant_key(grantee, key=self._key, service="dynamodb", actions=["Decrypt"])

    def grant_seal(self, grantee: IGrantable) -> None:
        """Allow what follows from a seal: reading items by their keys, putting and removing them, also in transactions;
        and finding and removing all, to make the table again."""
        self._grant(grantee, ("GetItem", *READING, *WRITING, *MAKING_ANEW))
        actions = [each.removeprefix("kms:") for each in KEY_ACTIONS]
        grant_key(grantee, key=self._key, service="dynamodb", actions=actions)

    def _grant(self, grantee: IGrantable, actions: tuple[str, ...]) -> None:
        names = [f"dynamodb:{each}" for each in actions]
        Grant.add_to_principal(grantee=grantee, actions=names, resource_arns=[self.table.table_arn])
