"""An environment's protection and retention as the CDK's values."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from stacks.environment import Environment


def removal_policy(config: Environment) -> RemovalPolicy:
    """RETAIN for protected data, which outlives its stack; else DESTROY."""
    return RemovalPolicy.RETAIN if config.protect_data else RemovalPolicy.DESTROY


def log_retention(config: Environment) -> RetentionDays:
    """How long CloudWatch keeps the environment's logs."""
    return RetentionDays[config.log_retention]
