"""The commands behind `make run`, `make status` and `make logs`."""

import argparse
from collections.abc import Callable

from rich.console import Console

from local import system
from local.emulator.function_logs import newest_lines
from local.emulator.ports import requested_port
from local.example import report
from local.machine.layout import Layout, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress


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


def main(arguments: list[str] | None = None) -> None:
    """Run one command. Raises LocalError."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The running system on this machine.")
    parser.add_argument("command", choices=COMMANDS)
    COMMANDS[parser.parse_args(arguments).command](default_layout(), Console())
