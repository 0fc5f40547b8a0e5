"""`python -m local.setup.synth NAME`: the cloud assembly of one environment in `cdk.out`, by the pinned CDK."""

import sys

from local.machine import files
from local.machine.errors import DeployFailedError
from local.machine.exits import exit_status
from local.machine.layout import REPOSITORY, default_layout
from local.machine.progress import Progress
from local.setup.programs import run_logged
from local.setup.toolchain import cdk_command, synth_environment

_TIMEOUT_SECONDS = 1800


def synthesize(name: str, progress: Progress) -> None:
    """Synthesize, and check the templates as the application asks for. Raises DeployFailedError."""
    layout = default_layout()
    layout.prepare()
    log_file = layout.cdk_log("synth")
    with progress.step(f"Synthesizing the environment {name}"):
        status = run_logged(
            cdk_command("synth", "--quiet", f"--context=env={name}", "--output=cdk.out"),
            log_file,
            cwd=REPOSITORY,
            env=synth_environment(),
            timeout=_TIMEOUT_SECONDS,
        )
        if status != 0:
            raise DeployFailedError(
                f"`cdk synth` failed for {name} (exit status {status}). Its whole log is {log_file}.",
                detail=files.tail(log_file, 60),
            )
    progress.say(f"The templates are in {REPOSITORY / 'cdk.out'}.")


def main() -> int:
    """Synthesize the environment named by the first argument."""
    return exit_status(lambda: synthesize(sys.argv[1], Progress()), when_interrupted="Nothing was deployed or changed.")


if __name__ == "__main__":
    sys.exit(main())
