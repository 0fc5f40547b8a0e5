"""An environment's protection and retention as the CDK's values."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from stacks.environment import Environment


def removal_policy(config: Environment) -> RemovalPolicy:
    """Protected data outlives its stack, but not a creation that failed: that would leave it behind each time.

    CloudFormation calls this `RetainExceptOnCreate`. Source: CloudFormation User Guide, "DeletionPolicy attribute".
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if config.protect_data else RemovalPolicy.DESTROY


def table_removal_policy(config: Environment) -> RemovalPolicy:
    """A table's: RETAIN while it refuses to be deleted itself, for a rollback that tried would fail, and with it all
    that the table needs, such as its key, would be stuck in the stack.
    """
    return RemovalPolicy.RETAIN if config.protected else removal_policy(config)


def log_retention(config: Environment) -> RetentionDays:
    """How long CloudWatch keeps the environment's logs."""
    return RetentionDays[config.log_retention]
