"""The errors of deploying to an account. Every message is a sentence for the person at the keyboard.

LocalError
├── AccountError    the credentials lead nowhere, or elsewhere than the environment is at home
├── RefusedError    this environment, or what stands there now, is not for this command
└── FailedError     `cdk`, CloudFormation or a service did not do it
"""

from local.machine.errors import LocalError


class AccountError(LocalError):
    """There are no usable credentials or no region, or they are not those of the environment."""


class RefusedError(LocalError):
    """The command would do harm, or there is nothing that it could do."""


class FailedError(LocalError):
    """What was begun did not succeed."""
