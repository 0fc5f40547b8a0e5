"""The base of stacks that hold data: a key of their own, and a dead-letter bucket."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_kms import Key
from constructs import Construct

from constructs_lib.private_bucket import AccessLogBucket, PrivateBucket
from stacks.environment import Environment
from stacks.retention import removal_policy


class StatefulStack(Stack):
    """Its key encrypts all its data."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment, key_description: str) -> None:
        super().__init__(scope, construct_id)
        self.key = Key(
            self,
            "Key",
            description=key_description,
            enable_key_rotation=True,
            removal_policy=removal_policy(config),
        )


def parking_bucket(stack: StatefulStack, *, config: Environment, construct_id: str = "Parking") -> PrivateBucket:
    """A dead-letter bucket, for records that could not be processed. The access logs of a stack share a bucket."""
    return PrivateBucket(
        stack,
        construct_id,
        key=stack.key,
        access_logs=_access_logs(stack, config).bucket,
        keep_replaced=Duration.days(config.keep_replaced_days),
        lifecycle_rules=[],  # an object stays until an operator deletes it
        removal_policy=removal_policy(config),
    )


def _access_logs(stack: StatefulStack, config: Environment) -> AccessLogBucket:
    found = stack.node.try_find_child("AccessLogs")
    if isinstance(found, AccessLogBucket):
        return found
    return AccessLogBucket(
        stack,
        "AccessLogs",
        keep=Duration.days(config.access_log_days),
        removal_policy=removal_policy(config),
    )
