"""`python -m local.synth NAME`: the cloud assembly of one environment in `cdk.out`, with the pinned command line."""

import subprocess
import sys

from local import files
from local.errors import DeployFailedError
from local.exits import exit_status
from local.layout import REPOSITORY, default_layout
from local.progress import Progress
from local.toolchain import cdk_command, synth_environment


def synthesize(name: str, progress: Progress) -> None:
    """Synthesize, and check the templates as the application asks for. Raises DeployFailedError."""
    layout = default_layout()
    layout.prepare()
    log_file = layout.cdk_log("synth")
    with progress.step(f"Synthesizing the environment {name}"), log_file.open("wb") as log:
        done = subprocess.run(
            cdk_command("synth", "--quiet", f"--context=env={name}", "--output=cdk.out"),
            cwd=REPOSITORY,
            env=synth_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode != 0:
            raise DeployFailedError(
                f"`cdk synth` failed for {name} (exit status {done.returncode}). Its whole log is {log_file}.",
                detail=files.tail(log_file, 60),
            )
    progress.say(f"The templates are in {REPOSITORY / 'cdk.out'}.")


def main() -> int:
    """Synthesize the environment named by the first argument."""
    return exit_status(lambda: synthesize(sys.argv[1], Progress()), when_interrupted="Nothing was deployed or changed.")


if __name__ == "__main__":
    sys.exit(main())
