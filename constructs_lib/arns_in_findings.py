"""How the rules of cdk-nag show an ARN in the id of a finding, for acknowledgements."""

from aws_cdk import Stack, Token


def arn_in_findings(stack: Stack, service: str, resource: str) -> str:
    """The ARN of a resource of the stack's account and region; what only AWS knows stands as `<AWS::Name>`."""
    partition, region, account = (
        f"<AWS::{name}>" if Token.is_unresolved(value) else value
        for name, value in (("Partition", stack.partition), ("Region", stack.region), ("AccountId", stack.account))
    )
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"
