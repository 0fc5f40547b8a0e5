"""`python -m local run|status|logs`: what the make targets of these names call."""

import argparse
import sys
from collections.abc import Callable

from rich.console import Console

from local import report, system
from local.exits import exit_status
from local.function_logs import newest_lines
from local.layout import Layout, default_layout
from local.lock import only_one
from local.ports import requested_port
from local.progress import Progress


def run(layout: Layout, console: Console) -> None:
    """Bring the system up, play the example on it, and leave it running."""
    progress = Progress()
    with only_one(layout.lock_file, "starting or stopping this environment"):
        started = system.up(layout, progress, requested_port=requested_port())
        system.while_alive(
            layout, started.emulator, lambda: report.show_example(started.environment, progress, console)
        )
    report.show_whereabouts(layout, started, console)


def status(layout: Layout, console: Console) -> None:
    """Say where things are, or that nothing is running."""
    report.show_whereabouts(layout, system.running(layout), console)


def logs(layout: Layout, console: Console) -> None:
    """Print the newest lines of the deployed functions."""
    for line in newest_lines(system.running(layout).environment):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


COMMANDS: dict[str, Callable[[Layout, Console], None]] = {
    "run": run,
    "status": status,
    "logs": logs,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args(arguments).command]
    return exit_status(
        lambda: command(default_layout(), Console()),
        when_interrupted="`make run` goes on from here; `make stop` stops what was started.",
    )


if __name__ == "__main__":
    sys.exit(main())
