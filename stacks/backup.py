"""Daily backups of the ledger's tables, in a vault under a key of its own. Stateful.

Point-in-time recovery is the way back from a mistake, to any second. These backups are for what it cannot survive: a
table that was deleted, recovery that was switched off, and somebody with the rights to do both.
"""

from aws_cdk import Acknowledgment, ArnFormat, CfnOutput, Duration, Stack, Validations
from aws_cdk.aws_backup import (
    BackupPlan,
    BackupPlanRule,
    BackupResource,
    BackupSelection,
    BackupVault,
    LockConfiguration,
)
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_events import Schedule
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_kms import Key
from constructs import Construct

from constructs_lib.alarms import alarm_on_any_of, alarm_on_silence_of_all
from constructs_lib.arns_in_findings import arn_in_findings
from constructs_lib.key_access import grant_key
from constructs_lib.stack_suffix import stack_suffix
from stacks.environment import Environment
from stacks.ledger import LedgerStack
from stacks.retention import removal_policy
from stacks.stateful import StatefulStack

TABLE_ACTIONS = ("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob")
"""What AWS Backup calls on a table, with its advanced features for DynamoDB. Without them it would call CreateBackup,
and keep the backup outside the vault and its lock: it may not. Sources: AWS managed policy reference,
"AWSBackupServiceRolePolicyForBackup"; DynamoDB Developer Guide, "Backing up and restoring tables with AWS Backup".
"""

KEY_ACTIONS = ("Decrypt", "GenerateDataKey")
"""Through DynamoDB only. Source: as above, statement KMSDynamoDBPermissions."""

START_HOURS = 1
COMPLETION_HOURS = 12
"""A job that has not begun, or not ended, within these has expired, or failed."""

SILENT_HOURS = 24 + START_HOURS + COMPLETION_HOURS + 1
"""So long may lie between the ends of two daily backups, and an hour for the metric."""

ENDS_BADLY = ("Failed", "Expired", "Aborted")


class BackupStack(StatefulStack):
    """One plan, one vault. The role may back up the ledger's three tables and nothing else."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment, ledger: LedgerStack) -> None:
        super().__init__(scope, construct_id, config=config, key_description="Encrypts the backups of the ledger")
        self.vault = BackupVault(
            self,
            "Vault",
            backup_vault_name=f"daybook-{config.name}-{stack_suffix()}",  # a vault must be named
            encryption_key=self.key,
            lock_configuration=_lock(config),
            removal_policy=removal_policy(config),
        )
        self.plan = BackupPlan(
            self,
            "Plan",
            backup_plan_name=f"daybook-{config.name}",  # else the console shows "Plan"; it need not be unique
            backup_vault=self.vault,
            backup_plan_rules=[self._daily(config)],
        )
        # Source: AWS Backup Developer Guide, "IAM service roles".
        self.role = Role(self, "Role", assumed_by=ServicePrincipal("backup.amazonaws.com"))
        tables = [each.table for each in (ledger.events, ledger.receipts, ledger.commands)]
        self.role.add_to_policy(
            PolicyStatement(actions=list(TABLE_ACTIONS), resources=[each.table_arn for each in tables])
        )
        self.role.add_to_policy(
            PolicyStatement(actions=["backup:DescribeBackupVault"], resources=[self.vault.backup_vault_arn])
        )
        self._grant_keys(ledger.key)
        self._grant_tagging()
        if config.backup_selections:
            BackupSelection(
                self,
                "Tables",
                backup_plan=self.plan,
                role=self.role,
                disable_default_backup_policy=True,  # it may back up and read everything in the account
                resources=[BackupResource.from_arn(each.table_arn) for each in tables],
            )
            self._watch()
        CfnOutput(self, "BackupVaultName", value=self.vault.backup_vault_name)
        CfnOutput(self, "BackupRoleArn", value=self.role.role_arn)

    def _watch(self) -> None:
        """Alarms on backups that end badly, and on none that ends well."""
        alarm_on_any_of(
            self,
            "BackupFailed",
            metrics={name: metric for each in ENDS_BADLY for name, metric in self._jobs(each).items()},
            description="A backup of a table failed, did not begin in its window, or was cancelled.",
        )
        alarm_on_silence_of_all(
            self,
            "BackupMissing",
            metrics=self._jobs("Completed"),
            hours=SILENT_HOURS,
            description="Backups were completed before, and none has been for more than a day and a half.",
        )

    def _jobs(self, state: str) -> dict[str, Metric]:
        """How many backup jobs came to a state, counted where there are any.

        The page names both dimensions and not the sets of them. So both sets with the vault are looked at: one that
        AWS does not write would leave an alarm deaf. Source: AWS Backup Developer Guide, "AWS Backup metrics with
        Amazon CloudWatch".
        """
        vault = {"BackupVaultName": self.vault.backup_vault_name}
        sets = {"OfVault": vault, "OfTables": {**vault, "ResourceType": "DynamoDB"}}
        return {
            state.lower() + name: Metric(
                namespace="AWS/Backup", metric_name=f"NumberOfBackupJobs{state}", dimensions_map=dimensions
            )
            for name, dimensions in sets.items()
        }

    def _daily(self, config: Environment) -> BackupPlanRule:
        return BackupPlanRule(
            rule_name="Daily",
            schedule_expression=Schedule.expression(config.backup_schedule),
            start_window=Duration.hours(START_HOURS),
            completion_window=Duration.hours(COMPLETION_HOURS),
            delete_after=Duration.days(config.backup_days),
        )

    def _grant_keys(self, ledger_key: Key) -> None:
        for key in (ledger_key, self.key):
            grant_key(self.role, key=key, service="dynamodb", actions=KEY_ACTIONS)
            self.role.add_to_policy(PolicyStatement(actions=["kms:DescribeKey"], resources=[key.key_arn]))
            self.role.add_to_policy(
                PolicyStatement(
                    actions=["kms:CreateGrant"],
                    resources=[key.key_arn],
                    conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
                )
            )

    def _grant_tagging(self) -> None:
        """In a policy of its own, so that the acknowledgement covers no other grant."""
        points = Stack.of(self).format_arn(
            service="backup",
            resource="recovery-point",
            resource_name="*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        policy = ManagedPolicy(self, "MayTag", description="Copying the tables' tags to their backups")
        policy.add_statements(PolicyStatement(actions=["backup:TagResource"], resources=[points]))
        self.role.add_managed_policy(policy)
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::{arn_in_findings(self, 'backup', 'recovery-point:*')}]",
                reason="AWS Backup chooses the id of a recovery point; the action only adds tags.",
            )
        )


def _lock(config: Environment) -> LockConfiguration | None:
    """Compliance mode is what a lock becomes after `changeable_for`: then nobody can take it away, AWS included."""
    if not config.vault_lock:
        return None
    return LockConfiguration(
        min_retention=Duration.days(config.vault_lock_least_days),
        max_retention=Duration.days(config.vault_lock_most_days),
        changeable_for=Duration.days(config.vault_lock_grace_days) if config.vault_lock == "compliance" else None,
    )
