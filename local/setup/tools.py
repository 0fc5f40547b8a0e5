"""Virtual environments that not everybody needs, so `make install` does not make them: whoever needs one does.

TOOLS is what `make audit` and `make lock` run. CLIENTS makes clients from the HTTP contract, for a test: its packages
need an older typer than the command `daybook` does.
"""

from local.machine.layout import REPOSITORY, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress
from local.setup.virtualenv import VirtualEnvironment

TOOLS = VirtualEnvironment(place=REPOSITORY / ".venv-audit", lock="requirements-audit.txt")
CLIENTS = VirtualEnvironment(place=REPOSITORY / ".venv-clients", lock="requirements-clients.txt")


def prepare_tools(progress: Progress) -> None:
    """Make TOOLS if it is missing or outdated. Raises InstallError and AlreadyRunningError."""
    _prepare(TOOLS, "audit.lock", "installing the tools of `make audit`", progress)


def prepare_clients(progress: Progress) -> None:
    """Make CLIENTS if it is missing or outdated. Raises InstallError and AlreadyRunningError."""
    _prepare(CLIENTS, "clients.lock", "installing what makes clients", progress)


def _prepare(environment: VirtualEnvironment, lock: str, doing: str, progress: Progress) -> None:
    layout = default_layout()
    layout.prepare()
    with only_one(layout.state / lock, doing):
        if not environment.is_made():
            environment.make(progress, layout.logs)
