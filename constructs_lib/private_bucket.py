"""A private bucket under a customer-managed key, with exact permissions on prefixes."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk.aws_iam import Grant, IGrantable, ManagedPolicy
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    CfnBucket,
    IBucket,
    LifecycleRule,
    ObjectOwnership,
)
from constructs import Construct, IConstruct

from constructs_lib.key_access import grant_key


class AccessLogBucket(Construct):
    """A bucket for the access logs of other buckets. S3 can write these under its own keys (SSE-S3) only."""

    def __init__(self, scope: Construct, construct_id: str, *, keep: Duration, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, construct_id)
        self.bucket = Bucket(
            self,
            "Bucket",
            encryption=BucketEncryption.S3_MANAGED,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[LifecycleRule(id="Expire", expiration=keep)],
            removal_policy=removal_policy,
        )


class PrivateBucket(Construct):
    """Versioned, so that an overwritten or deleted object is not lost; TLS only, with access logs.

    Replaced and deleted objects expire after `keep_replaced`, and unfinished uploads after a week.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: IKey,
        access_logs: IBucket,
        keep_replaced: Duration,
        lifecycle_rules: Sequence[LifecycleRule],
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = key
        tidy = LifecycleRule(
            id="Tidy",
            abort_incomplete_multipart_upload_after=Duration.days(7),
            noncurrent_version_expiration=keep_replaced,
        )
        self.bucket = Bucket(
            self,
            "Bucket",
            encryption=BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{construct_id}/",
            lifecycle_rules=[tidy, *lifecycle_rules],
            removal_policy=removal_policy,
        )

    def grant(self, policy: ManagedPolicy, *, prefixes: Sequence[str], actions: Sequence[str]) -> None:
        """Allow exactly `actions` on the objects below `prefixes`, each of which ends in a slash.

        The policy is in the bucket's own stack, where the permissions can be read, and acknowledged, together.
        """
        objects = [self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        Grant.add_to_principal(grantee=policy, actions=list(actions), resource_arns=objects)
        acknowledge_prefixes(policy, bucket=self.bucket, prefixes=prefixes)

    def announce_objects(self) -> None:
        """Have S3 send every new object's event to EventBridge. The CDK's own option would add a function for that."""
        cast(
            "CfnBucket", self.bucket.node.default_child
        ).notification_configuration = CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def grant_on_bucket(self, grantee: IGrantable, *, actions: Sequence[str]) -> None:
        """Allow exactly `actions` on the bucket itself."""
        Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[self.bucket.bucket_arn])

    def grant_put(self, policy: ManagedPolicy, *, prefix: str) -> None:
        """Allow writing whole objects below a prefix; no read, no list, no delete."""
        self.grant(policy, prefixes=[prefix], actions=["s3:PutObject"])
        self.grant_key(policy, "GenerateDataKey")

    def grant_key(self, grantee: IGrantable, *actions: str) -> None:
        """Allow `actions` (without `kms:`) with the bucket's key through S3."""
        grant_key(grantee, key=self.key, service="s3", actions=actions)


def acknowledge_prefixes(policy: IConstruct, *, bucket: Bucket, prefixes: Sequence[str]) -> None:
    """Acknowledge why a policy has wildcards: objects of a bucket of the same stack, below these prefixes."""
    name = Stack.of(bucket).get_logical_id(cast("CfnBucket", bucket.node.default_child))
    for prefix in prefixes:
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{name}.Arn>/{prefix}*]",
                reason=f"The names of objects are not known beforehand; all of them are below {prefix}.",
            )
        )
