"""The transparency log: its bucket, the key that signs, the topic that tells, its index, and the role that seals.

What the role may do stands here with what it may do it to. Its function is in a stack of its own, which can be
replaced at any time.
"""

from aws_cdk import CfnOutput, Duration
from aws_cdk.aws_iam import Grant, ManagedPolicy, Policy, Role, ServicePrincipal
from aws_cdk.aws_sns import Topic
from constructs import Construct

from constructs_lib.alarms import alarm_above, alarm_on_any
from constructs_lib.append_only_bucket import AppendOnlyBucket
from constructs_lib.key_access import grant_key
from constructs_lib.log_index_table import LogIndexTable
from constructs_lib.private_bucket import AccessLogBucket
from constructs_lib.signing_key import SigningKey
from constructs_lib.topic_archive import TopicArchive
from lambdas.transparency.log_store import CHECKPOINT, CHECKPOINTS, SEALS
from stacks.environment import Environment
from stacks.lake import LakeStack
from stacks.ledger import LedgerStack
from stacks.retention import log_retention, removal_policy
from stacks.stateful import StatefulStack

TILES = "tile/"
"""Of tiles and of entry bundles. Source: C2SP, tlog-tiles."""

PREFIXES = (SEALS, TILES, CHECKPOINTS)
COPY_BEHIND_SECONDS = 3_600


class TransparencyStack(StatefulStack):
    """Stateful: protected like the ledger. Deployed before the API, which reads proofs from it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Environment, ledger: LedgerStack, lake: LakeStack
    ) -> None:
        encrypts = "Encrypts the log's index and what its topic tells"
        super().__init__(scope, construct_id, config=config, key_description=encrypts)
        self.sealer = Role(
            self,
            "Sealer",
            # Source: Lambda Developer Guide, "Defining Lambda function permissions with an execution role".
            assumed_by=ServicePrincipal("lambda.amazonaws.com"),
            description="Seals events in the transparency log, and signs its checkpoints",
        )
        self.signing = SigningKey(
            self,
            "Signing",
            description="Signs checkpoints of the transparency log",
            signer=self.sealer,
            removal_policy=removal_policy(config),
        )
        self.log = self._bucket(config)
        self.index = LogIndexTable(self, "Index", name=f"daybook-{config.name}-log-index", key=self.key)
        self.topic = Topic(
            self,
            "Checkpoints",
            display_name=f"Daybook {config.name} checkpoints",
            master_key=self.key,
            enforce_ssl=True,
        )
        self.topic.apply_removal_policy(removal_policy(config))  # with it would go everybody's subscriptions
        self._let_seal(lake)
        self._policies(ledger)
        self._tell(config)
        CfnOutput(self, "LogBucketName", value=self.log.bucket.bucket_name)
        CfnOutput(self, "LogIndexTableName", value=self.index.table.table_name)
        CfnOutput(self, "LogKeyArn", value=self.signing.key.key_arn)
        CfnOutput(self, "CheckpointTopicArn", value=self.topic.topic_arn)
        CfnOutput(self, "AuditPolicyArn", value=self.may_audit.managed_policy_arn)

    def _bucket(self, config: Environment) -> AppendOnlyBucket:
        access_logs = AccessLogBucket(
            self,
            "AccessLogs",
            keep=Duration.days(config.access_log_days),
            removal_policy=removal_policy(config),
        )
        return AppendOnlyBucket(
            self,
            "Log",
            access_logs=access_logs.bucket,
            writer=self.sealer,
            prefixes=PREFIXES,
            lock=config.log_lock,
            lock_days=config.log_lock_days,
            removal_policy=removal_policy(config),
        )

    def _let_seal(self, lake: LakeStack) -> None:
        """Signing is not here: the key's policy allows it."""
        self.sealer.add_managed_policy(lake.may_query)
        may = Policy(self, "MaySeal", roles=[self.sealer])
        self.log.grant_names(may)
        self.log.grant(may, actions=["s3:GetObject", "s3:PutObject"], prefixes=PREFIXES, names=[CHECKPOINT])
        self.index.grant_seal(may)
        self.signing.grant_public_key(may)
        Grant.add_to_principal(grantee=may, actions=["sns:Publish"], resource_arns=[self.topic.topic_arn])
        grant_key(may, key=self.key, service="sns", actions=["Decrypt", "GenerateDataKey"])

    def _policies(self, ledger: LedgerStack) -> None:
        self.may_prove = ManagedPolicy(self, "MayProve", description="Reading what proofs are made of")
        self.log.grant_names(self.may_prove)
        self.log.grant(self.may_prove, actions=["s3:GetObject"], prefixes=[TILES], names=[CHECKPOINT])
        self.index.grant_prove(self.may_prove)
        self.may_read_log = ManagedPolicy(self, "MayReadLog", description="Reading the whole log, and its index")
        self._let_read(self.may_read_log)
        self.may_audit = ManagedPolicy(
            self, "MayAudit", description="Copying the log, and reading rows of the event table"
        )
        self._let_read(self.may_audit)
        ledger.events.grant_rows(self.may_audit)

    def _let_read(self, policy: ManagedPolicy) -> None:
        self.log.grant_names(policy)
        self.log.grant(policy, actions=["s3:GetObject"], prefixes=PREFIXES, names=[CHECKPOINT])
        self.index.grant_read(policy)
        self.signing.grant_public_key(policy)

    def _tell(self, config: Environment) -> None:
        alarm_on_any(
            self,
            "CheckpointNotDelivered",
            metric=self.topic.metric_number_of_notifications_failed(),
            description="A checkpoint did not reach one of the topic's subscribers.",
        )
        if not config.checkpoint_bucket_arn:
            return
        copies = TopicArchive(
            self,
            "Copies",
            topic=self.topic,
            bucket_arn=config.checkpoint_bucket_arn,
            prefix=f"daybook-{config.name}/",
            log_retention=log_retention(config),
            removal_policy=removal_policy(config),
        )
        CfnOutput(self, "CheckpointCopyRoleArn", value=copies.role.role_arn)
        alarm_above(
            self,
            "CheckpointNotCopied",
            metric=copies.metric("DeliveryToS3.DataFreshness"),
            threshold=COPY_BEHIND_SECONDS,
            description="A checkpoint has waited too long for the other account's bucket (seconds).",
        )
