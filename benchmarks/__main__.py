"""`python -m benchmarks`: print one table, write it as JSON, and fail when a budget is missed."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from benchmarks import emulator, imports, in_process, round_trips
from benchmarks.report import show, write

RESULT = Path(__file__).resolve().parents[1] / ".local" / "benchmark.json"


def main() -> int:
    """Run all parts; the exit code is 1 when a budget is missed."""
    console = Console()
    rows = []
    for part in (round_trips, in_process, imports, emulator):
        with console.status(f"{part.__name__.rpartition('.')[2].replace('_', ' ')} …"):
            rows.extend(part.measure())
    show(rows, console)
    write(rows, RESULT)
    console.print(f"\nAlso written to .local/{RESULT.name}")
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
