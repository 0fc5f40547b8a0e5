"""The tables that must not lose data: events, receipts and commands; and the dead-letter bucket of commands."""

from aws_cdk import CfnOutput
from aws_cdk.aws_dynamodb import CfnTable
from aws_cdk.aws_iam import ManagedPolicy
from constructs import Construct

from constructs_lib.event_table import EventTable
from constructs_lib.inbox_table import InboxTable
from constructs_lib.receipt_table import ReceiptTable
from constructs_lib.stream_mapping import MAPPING_PREFIX
from constructs_lib.table_alarms import watch_system_errors, watch_throttles
from lambdas.inbox.table import FAILED_INDEX, FAILED_ON, HASH_KEY, RANGE_KEY, TTL_ATTRIBUTE
from stacks.environment import Environment
from stacks.generations import COMMANDS, EVENTS, FIRST, RECEIPTS, generation_id
from stacks.retention import table_removal_policy
from stacks.stateful import StatefulStack, parking_bucket


class LedgerStack(StatefulStack):
    """Stateful. Protected against removal, with its data, if the environment protects data."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment) -> None:
        encrypts = "Encrypts the ledger's tables and the dead-letter bucket of commands"
        super().__init__(scope, construct_id, config=config, key_description=encrypts)
        self.events = EventTable(
            self,
            generation_id(EVENTS, config.ledger_generation),
            key=self.key,
            removal_policy=table_removal_policy(config),
            deletion_protection=config.protected,
        )
        self.receipts = ReceiptTable(
            self,
            generation_id(RECEIPTS, config.ledger_generation),
            key=self.key,
            removal_policy=table_removal_policy(config),
            deletion_protection=config.protected,
        )
        self.commands = InboxTable(
            self,
            generation_id(COMMANDS, config.ledger_generation),
            hash_key=HASH_KEY,
            range_key=RANGE_KEY,
            ttl_attribute=TTL_ATTRIBUTE,
            failed_index=FAILED_INDEX,
            failed_attribute=FAILED_ON,
            key=self.key,
            removal_policy=table_removal_policy(config),
            deletion_protection=config.protected,
        )
        self._name_restored(config)
        readers = ManagedPolicy(self, "Readers", description="Reading the event table, to fill gaps")
        self.events.grant_read(readers)
        self.parking = parking_bucket(self, config=config)
        self.parking.announce_objects()
        self._policies()
        self._watch(config)
        CfnOutput(self, "EventTableName", value=self.events.table.table_name)
        CfnOutput(self, "EventTableStreamArn", value=self.events.table.table_stream_arn or "")
        CfnOutput(self, "EventTableReadPolicyArn", value=readers.managed_policy_arn)
        CfnOutput(self, "ReceiptsTableName", value=self.receipts.table.table_name)
        CfnOutput(self, "CommandsTableName", value=self.commands.table.table_name)
        CfnOutput(self, "CommandParkingBucketName", value=self.parking.bucket.bucket_name)
        CfnOutput(self, "CommandRedrivePolicyArn", value=self.may_redrive.managed_policy_arn)
        CfnOutput(self, "LedgerGeneration", value=str(config.ledger_generation))

    def _name_restored(self, config: Environment) -> None:
        """Give restored tables logical ids without a hash: `daybook restore` writes them into the import's mapping."""
        if config.ledger_generation == FIRST:
            return
        for each in (self.events, self.receipts, self.commands):
            resource = each.table.node.default_child
            assert isinstance(resource, CfnTable)  # noqa: S101 - what every Table is made of
            resource.override_logical_id(each.node.id)

    def _watch(self, config: Environment) -> None:
        if not config.metric_math_alarms:
            return
        watch_throttles(self, "Events", self.events.table)
        watch_throttles(self, "Receipts", self.receipts.table)
        watch_throttles(self, "Commands", self.commands.table, indexes=[FAILED_INDEX])
        watch_system_errors(self, "Events", self.events.table, operations=["PutItem", "Query", "TransactWriteItems"])
        watch_system_errors(self, "Receipts", self.receipts.table, operations=["PutItem", "TransactWriteItems"])
        watch_system_errors(
            self, "Commands", self.commands.table, operations=["GetItem", "Query", "TransactWriteItems", "UpdateItem"]
        )

    def _policies(self) -> None:
        """Policies for operators on the dead-letter bucket of commands. None deletes or replaces an object for good."""
        parked = [MAPPING_PREFIX]
        self.may_park = ManagedPolicy(
            self, "MayPark", description="Writing commands that failed to the dead-letter bucket"
        )
        self.parking.grant_on_bucket(self.may_park, actions=["s3:ListBucket"])
        self.parking.grant_put(self.may_park, prefix=MAPPING_PREFIX)
        self.may_read_parked = ManagedPolicy(
            self, "MayReadParked", description="Reading the dead-letter bucket of commands"
        )
        self.parking.grant_on_bucket(self.may_read_parked, actions=["s3:ListBucket"])  # else S3 hides what is gone
        self.parking.grant(self.may_read_parked, prefixes=parked, actions=["s3:GetObject"])
        self.parking.grant_key(self.may_read_parked, "Decrypt")
        self.may_redrive = ManagedPolicy(
            self, "MayRedrive", description="Finding commands that have not ended, and making failed ones PENDING again"
        )
        self.commands.grant_redrive(self.may_redrive)
        self.parking.grant_on_bucket(self.may_redrive, actions=["s3:ListBucket"])
        self.parking.grant(self.may_redrive, prefixes=parked, actions=["s3:GetObject", "s3:DeleteObject"])
        self.parking.grant_key(self.may_redrive, "Decrypt")
