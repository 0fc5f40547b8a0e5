"""What can go wrong on somebody's machine. Every message is a plain sentence for the person at the keyboard.

LocalError
├── AlreadyRunningError    another command of this repository is at work
├── InvalidPortError       DAYBOOK_LOCAL_PORT is not a port
├── PortInUseError         DAYBOOK_LOCAL_PORT belongs to another program
├── EmulatorFailedError    the emulator did not come up
├── EmulatorDiedError      the emulator was up and is not any more
├── NotRunningError        there is no running system
├── ProgramStoppedError    a program took too long, or what it worked on died
├── UnknownNameError       no environment has that name
├── DeployFailedError      `cdk` failed, or what it deployed is not what is expected
├── EnvironmentFileError   an environment.json that says too little
├── ExampleFailedError     the API gave another answer than the worked example tells
├── InstallError           packages could not be installed
└── AuditError             the audit found something, or could not look
"""


class LocalError(Exception):
    """`str(error)` is a sentence; `detail` is more text to show under it, such as the end of a log."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class AlreadyRunningError(LocalError):
    """Another command of this repository holds the lock."""


class InvalidPortError(LocalError):
    """DAYBOOK_LOCAL_PORT is not a port."""


class PortInUseError(LocalError):
    """DAYBOOK_LOCAL_PORT belongs to another program."""


class EmulatorFailedError(LocalError):
    """The emulator did not come up."""


class EmulatorDiedError(LocalError):
    """The emulator was up and is not any more."""


class NotRunningError(LocalError):
    """There is no running system."""


class ProgramStoppedError(LocalError):
    """A program took too long, or what it worked on died."""


class UnknownNameError(LocalError):
    """No environment has that name."""


class DeployFailedError(LocalError):
    """`cdk` failed, or what it deployed is not what is expected."""


class EnvironmentFileError(LocalError):
    """An environment.json that says too little."""


class ExampleFailedError(LocalError):
    """The API gave another answer than the worked example tells."""


class InstallError(LocalError):
    """Packages could not be installed."""


class AuditError(LocalError):
    """The audit found something, or could not look."""
