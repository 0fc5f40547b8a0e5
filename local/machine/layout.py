"""The paths of the local environment, all below one directory, which may be deleted while nothing runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STATE_VARIABLE = "DAYBOOK_LOCAL_DIR"


@dataclass(frozen=True)
class Layout:
    """The paths of one local environment. Environments with different directories share nothing."""

    state: Path

    @property
    def environment_file(self) -> Path:
        """The file by which other programs find the running system."""
        return self.state / "environment.json"

    @property
    def emulator_file(self) -> Path:
        """Process, port and identity of the emulator, which keeps this file locked while it lives."""
        return self.state / "emulator.json"

    @property
    def deployment_file(self) -> Path:
        """The record of the last deployment, and of its emulator."""
        return self.state / "deployment.json"

    @property
    def outputs_file(self) -> Path:
        """The stacks' outputs, as `cdk deploy` writes them."""
        return self.state / "outputs.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the command that is changing this environment."""
        return self.state / "lock"

    @property
    def assembly(self) -> Path:
        """The synthesized cloud assembly."""
        return self.state / "cdk.out"

    @property
    def data(self) -> Path:
        """Everything that the emulator writes besides its log."""
        return self.state / "data"

    @property
    def logs(self) -> Path:
        """A log for each tool, overwritten by each run."""
        return self.state / "logs"

    @property
    def proofs(self) -> Path:
        """What the example proves: the log's key, and a proof as it is and edited."""
        return self.state / "proof"

    @property
    def emulator_log(self) -> Path:
        """The emulator's output, access log included."""
        return self.logs / "emulator.log"

    def cdk_log(self, command: str) -> Path:
        """The output of the last `cdk bootstrap` or `cdk deploy`."""
        return self.logs / f"cdk-{command}.log"

    def prepare(self) -> None:
        """Create the directories."""
        for directory in (self.data, self.logs):
            directory.mkdir(parents=True, exist_ok=True)


def default_layout(environ: Mapping[str, str] = os.environ) -> Layout:
    """`.local` in the repository, or the directory that DAYBOOK_LOCAL_DIR names."""
    return Layout(Path(environ.get(STATE_VARIABLE) or REPOSITORY / ".local").resolve())
