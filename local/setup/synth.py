"""`python -m local.setup.synth NAME`: the cloud assembly of one environment in `cdk.out`, by the pinned CDK."""

import sys

from local.machine import files
from local.machine.errors import DeployFailedError, UnknownNameError
from local.machine.exits import exit_status
from local.machine.layout import REPOSITORY, default_layout
from local.machine.progress import Progress
from local.setup.programs import run_logged
from local.setup.toolchain import cdk_command, synth_environment
from stacks.environment import ENVIRONMENTS

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


def known(name: str) -> str:
    """The name, if it is that of an environment. Raises UnknownNameError."""
    if name not in ENVIRONMENTS:
        raise UnknownNameError(f"ENV is one of {', '.join(ENVIRONMENTS)}, not '{name}'.")
    return name


def main(arguments: list[str] | None = None) -> int:
    """Synthesize the environment named by the first argument."""
    [name] = sys.argv[1:] if arguments is None else arguments
    return exit_status(lambda: synthesize(known(name), Progress()), when_interrupted="Nothing was deployed or changed.")


if __name__ == "__main__":
    sys.exit(main())
