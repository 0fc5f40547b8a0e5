"""`python -m benchmarks`: print one table, write it as JSON, and fail when a budget is missed."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from benchmarks import emulator, imports, in_process, lake, publisher, round_trips
from benchmarks.report import Row, show, write
from local.exits import exit_status

PARTS = (round_trips, in_process, publisher, lake, imports, emulator)
RESULT = Path(__file__).resolve().parents[1] / ".local" / "benchmark.json"


def run() -> bool:
    """Run all parts and show what they measured. Whether every budget is met."""
    console = Console()
    rows: list[Row] = []
    for part in PARTS:
        console.print(f"[dim]{part.__name__.rpartition('.')[2].replace('_', ' ')} …[/dim]")
        rows.extend(part.measure())
    console.print()
    show(rows, console)
    write(rows, RESULT)
    console.print(f"\nAlso written to .local/{RESULT.name}")
    return not any(row.met is False for row in rows)


def main() -> int:
    """The exit code is 1 when a budget is missed or the local system does not start."""
    budgets_met: list[bool] = []
    status = exit_status(lambda: budgets_met.append(run()), when_interrupted="Nothing was written.")
    return status or int(not all(budgets_met))


if __name__ == "__main__":
    sys.exit(main())
