"""The errors of the local system. Every message is a plain sentence for the person at the keyboard.

LocalError
├── AlreadyRunningError    another command of this repository is running
├── InvalidPortError       DAYBOOK_LOCAL_PORT is not a port
├── PortInUseError         another program uses DAYBOOK_LOCAL_PORT
├── EmulatorFailedError    the emulator did not start
├── EmulatorDiedError      the emulator ended while it was needed
├── NotRunningError        there is no running system
├── ProgramStoppedError    a program took too long, or the emulator that it needs ended
├── UnknownNameError       no environment has that name
├── DeployFailedError      `cdk` failed, or deployed something unexpected
├── EnvironmentFileError   environment.json lacks something
├── ExampleFailedError     the API did not give the worked example's answer
├── InstallError           packages could not be installed
├── UnpricedError          nobody said what a resource costs
├── PageError              README.md has no place for the costs
└── AuditError             the audit found something, or could not look
"""


class LocalError(Exception):
    """`str(error)` is a sentence; `detail` is more text to show under it, such as the end of a log."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class UnpricedError(LocalError):
    """A resource of the templates, of which nobody said what it costs."""


class PageError(LocalError):
    """README.md has no place for the tables of costs, or for their sum."""


class AlreadyRunningError(LocalError):
    """Another command of this repository holds the lock."""


class InvalidPortError(LocalError):
    """DAYBOOK_LOCAL_PORT is not a port."""


class PortInUseError(LocalError):
    """Another program uses DAYBOOK_LOCAL_PORT."""


class EmulatorFailedError(LocalError):
    """The emulator did not start."""


class EmulatorDiedError(LocalError):
    """The emulator ended while it was needed."""


class NotRunningError(LocalError):
    """There is no running system."""


class ProgramStoppedError(LocalError):
    """A program took too long, or the emulator that it needs ended."""


class UnknownNameError(LocalError):
    """No environment has that name."""


class DeployFailedError(LocalError):
    """`cdk` failed, or deployed something unexpected."""


class EnvironmentFileError(LocalError):
    """environment.json lacks something."""


class ExampleFailedError(LocalError):
    """The API did not give the worked example's answer."""


class InstallError(LocalError):
    """Packages could not be installed."""


class AuditError(LocalError):
    """The audit found something, or could not look."""
