"""A suffix for the names that CloudFormation does not make itself."""

from aws_cdk import Aws, Fn


def stack_suffix() -> str:
    """Eight hexadecimal digits of the stack's own id, the same as long as the stack lives.

    So a stack that is created again, after a failure or a removal, meets nothing that the one before it left. The id
    ends in `/<UUID>`. Source: CloudFormation User Guide, "Pseudo parameters reference", AWS::StackId.
    """
    uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    return Fn.select(0, Fn.split("-", uuid))
