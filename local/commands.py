"""The commands behind `make run`, `make status` and `make logs`."""

import argparse

from rich.console import Console

from local import system
from local.emulator.function_logs import correlated_lines, newest_lines
from local.emulator.ports import requested_port
from local.example import report
from local.example.whereabouts import show_whereabouts
from local.machine.layout import Layout, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress


def run(layout: Layout, console: Console) -> None:
    """Start the system, run the example on it, and leave it running."""
    progress = Progress()
    with only_one(layout.lock_file, "starting or stopping this environment"):
        started = system.up(layout, progress, requested_port=requested_port())
        system.while_alive(
            layout,
            started.emulator,
            lambda: report.show_example(started.environment, layout.proofs, progress, console),
        )
    show_whereabouts(layout, started, console)


def status(layout: Layout, console: Console) -> None:
    """Print the addresses of the running system. Raises NotRunningError."""
    show_whereabouts(layout, system.running(layout), console)


def logs(layout: Layout, console: Console, correlation_id: str | None = None) -> None:
    """Print the newest lines of the deployed functions, or all those with a correlation id."""
    environment = system.running(layout).environment
    lines = newest_lines(environment) if correlation_id is None else correlated_lines(environment, correlation_id)
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if correlation_id is not None and not lines:
        console.print(_NOTHING_LOGGED.format(correlation_id), soft_wrap=True, markup=False, highlight=False)


_NOTHING_LOGGED = """\
No function has written a line with the correlation id {}.
It stands in the answer's header X-Correlation-Id. Functions write a line for each
request that they answer, and for each stored command, and name each published event."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command. Raises LocalError."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The running system on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start the system, and run the example on it")
    commands.add_parser("status", help="show where it is")
    of_logs = commands.add_parser("logs", help="show what the deployed functions wrote")
    of_logs.add_argument("--correlation-id", metavar="ID", help="only lines with this id, of all functions")
    options = parser.parse_args(arguments)
    layout, console = default_layout(), Console()
    match options.command:
        case "run":
            run(layout, console)
        case "status":
            status(layout, console)
        case _:
            logs(layout, console, options.correlation_id)
