"""What must never be lost: the event table and the commands table."""

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_iam import ManagedPolicy
from aws_cdk.aws_kms import Key
from constructs import Construct

from constructs_lib.event_table import EventTable
from constructs_lib.receipt_table import ReceiptTable
from lambdas.commands.table import HASH_KEY, RANGE_KEY, TTL_ATTRIBUTE
from stacks.environment import Environment


class LedgerStack(Stack):
    """The stateful part. Protected against removal, with its data, wherever the environment protects data."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment) -> None:
        super().__init__(scope, construct_id, termination_protection=config.protect_data)
        key = Key(
            self,
            "Key",
            description="Encrypts the ledger's tables",
            enable_key_rotation=True,
            removal_policy=config.removal_policy,
        )
        self.events = EventTable(
            self,
            "Events",
            key=key,
            removal_policy=config.removal_policy,
            deletion_protection=config.protect_data,
        )
        self.commands = ReceiptTable(
            self,
            "Commands",
            hash_key=HASH_KEY,
            range_key=RANGE_KEY,
            ttl_attribute=TTL_ATTRIBUTE,
            key=key,
            removal_policy=config.removal_policy,
            deletion_protection=config.protect_data,
        )
        readers = ManagedPolicy(self, "Readers", description="Filling gaps from daybook's event table")
        self.events.grant_read(readers)
        CfnOutput(self, "EventTableName", value=self.events.table.table_name)
        CfnOutput(self, "EventTableStreamArn", value=self.events.table.table_stream_arn or "")
        CfnOutput(self, "EventTableReadPolicyArn", value=readers.managed_policy_arn)
        CfnOutput(self, "CommandsTableName", value=self.commands.table.table_name)
