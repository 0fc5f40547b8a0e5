"""The lake's two buckets: one for the history, which is kept, and one for query results and reports."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_kms import Key
from aws_cdk.aws_s3 import LifecycleRule, StorageClass, Transition

from constructs_lib.private_bucket import AccessLogBucket, PrivateBucket
from lambdas.contracts.lake import EVENTS_PREFIX
from stacks.environment import Environment
from stacks.retention import removal_policy

QUERY_RESULTS_PREFIX = "athena/"


def lake_buckets(stack: Stack, config: Environment) -> tuple[PrivateBucket, PrivateBucket]:
    """The bucket for the history, and the bucket for query results and reports, under one key."""
    key = Key(
        stack,
        "Key",
        description="Encrypts the lake, query results and reports",
        enable_key_rotation=True,
        removal_policy=removal_policy(config),
    )
    access_logs = AccessLogBucket(
        stack,
        "AccessLogs",
        keep=Duration.days(config.access_log_days),
        removal_policy=removal_policy(config),
    )
    cooling = [
        Transition(
            storage_class=StorageClass.INFREQUENT_ACCESS,
            transition_after=Duration.days(config.lake_infrequent_access_days),
        ),
        Transition(
            storage_class=StorageClass.GLACIER_INSTANT_RETRIEVAL,
            transition_after=Duration.days(config.lake_glacier_days),
        ),
    ]
    lake = PrivateBucket(
        stack,
        "Lake",
        key=key,
        access_logs=access_logs.bucket,
        keep_replaced=Duration.days(config.keep_replaced_days),
        lifecycle_rules=[LifecycleRule(id="Cool", prefix=EVENTS_PREFIX, transitions=cooling)],
        removal_policy=removal_policy(config),
    )
    answers = Duration.days(config.query_result_days)
    results = PrivateBucket(
        stack,
        "Results",
        key=key,
        access_logs=access_logs.bucket,
        keep_replaced=Duration.days(config.keep_replaced_days),
        lifecycle_rules=[LifecycleRule(id="Expire", prefix=QUERY_RESULTS_PREFIX, expiration=answers)],
        removal_policy=removal_policy(config),
    )
    return lake, results
