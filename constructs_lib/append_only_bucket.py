"""A bucket for objects that are added once and then stay: nobody may replace them, and one role alone adds them."""

from collections.abc import Sequence
from typing import Literal

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_iam import AnyPrincipal, Effect, Grant, IGrantable, IRole, ManagedPolicy, Policy, PolicyStatement
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, IBucket, ObjectLockRetention, ObjectOwnership
from constructs import Construct

from constructs_lib.private_bucket import acknowledge_prefixes

Lock = Literal["", "governance", "compliance"]


class AppendOnlyBucket(Construct):
    """Versioned, TLS only, with access logs, and with S3's own keys (SSE-S3): no key can be deleted with which its
    objects would be lost. It has no rule that lets anything expire.

    Its policy refuses every PutObject that is not `writer`'s, and one below `prefixes` that could replace an object:
    each must say that there is none (If-None-Match), and one elsewhere what it replaces (If-Match), or that there is
    none. Whoever may change the policy can lift that, which CloudTrail records. With a `lock` no version can be deleted
    for `lock_days` from when it was written. Sources: S3 User Guide, "Enforce conditional writes on Amazon S3 buckets"
    and "Locking objects with Object Lock".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_logs: IBucket,
        writer: IRole,
        prefixes: Sequence[str],
        lock: Lock,
        lock_days: int,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = Bucket(
            self,
            "Bucket",
            encryption=BucketEncryption.S3_MANAGED,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{construct_id}/",
            object_lock_enabled=True if lock else None,
            object_lock_default_retention=_retention(lock, Duration.days(lock_days)),
            removal_policy=removal_policy,
        )
        below = [self.bucket.arn_for_objects(f"{each}*") for each in prefixes]
        absent = {"s3:if-none-match": "true"}
        for sid, resources, conditions in (
            ("OneWriter", [self.bucket.arn_for_objects("*")], _not_of(writer)),
            ("AddedOnce", below, {"Null": absent}),
            ("NeverBlindly", [self.bucket.arn_for_objects("*")], {"Null": {**absent, "s3:if-match": "true"}}),
        ):
            self.bucket.add_to_resource_policy(
                PolicyStatement(
                    sid=sid,
                    effect=Effect.DENY,
                    principals=[AnyPrincipal()],
                    actions=["s3:PutObject"],
                    resources=resources,
                    conditions=conditions,
                )
            )

    def grant(
        self, policy: ManagedPolicy | Policy, *, actions: Sequence[str], prefixes: Sequence[str], names: Sequence[str]
    ) -> None:
        """Allow exactly `actions` on the objects below `prefixes`, each of which ends in a slash, and on `names`."""
        objects = [*(f"{each}*" for each in prefixes), *names]
        Grant.add_to_principal(
            grantee=policy,
            actions=list(actions),
            resource_arns=[self.bucket.arn_for_objects(each) for each in objects],
        )
        acknowledge_prefixes(policy, bucket=self.bucket, prefixes=prefixes)

    def grant_names(self, grantee: IGrantable) -> None:
        """Allow listing names. Without it S3 answers 403 for an object that is not there, as for one that is hidden.

        No prefix is demanded: whether S3 looks at one when it decides between 403 and 404 is not documented.
        Source: S3 API Reference, "GetObject", permissions.
        """
        Grant.add_to_principal(grantee=grantee, actions=["s3:ListBucket"], resource_arns=[self.bucket.bucket_arn])


def _retention(lock: Lock, period: Duration) -> ObjectLockRetention | None:
    match lock:
        case "governance":
            return ObjectLockRetention.governance(period)
        case "compliance":
            return ObjectLockRetention.compliance(period)
        case "":
            return None


def _not_of(role: IRole) -> dict[str, dict[str, str]]:
    """For sessions of a role the key holds its ARN. Source: IAM User Guide, "AWS global condition context keys"."""
    return {"ArnNotEquals": {"aws:PrincipalArn": role.role_arn}}
