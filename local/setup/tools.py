"""The virtual environment of what `make audit` and `make lock` run: not everybody needs it, so `make install` does not
make it."""

from local.machine.layout import REPOSITORY, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress
from local.setup.virtualenv import VirtualEnvironment

TOOLS = VirtualEnvironment(place=REPOSITORY / ".venv-audit", lock="requirements-audit.txt")


def prepare_tools(progress: Progress) -> None:
    """Make it if it is missing or outdated. Raises InstallError and AlreadyRunningError."""
    layout = default_layout()
    layout.prepare()
    with only_one(layout.state / "audit.lock", "installing the tools of `make audit`"):
        if not TOOLS.is_made():
            TOOLS.make(progress, layout.logs)
