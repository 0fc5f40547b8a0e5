"""What an environment's protection and retention are to the CDK."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from stacks.environment import Environment


def removal_policy(config: Environment) -> RemovalPolicy:
    """Protected data outlives its stack."""
    return RemovalPolicy.RETAIN if config.protect_data else RemovalPolicy.DESTROY


def log_retention(config: Environment) -> RetentionDays:
    """How long CloudWatch keeps what the environment logs."""
    return RetentionDays[config.log_retention]
