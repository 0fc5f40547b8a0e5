"""Runs the parts, prints one table, writes it as JSON. The exit code says whether every budget is met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from benchmarks.report import Row, show, write
from local.machine.exits import exit_status


class Part(Protocol):
    """A module that measures something."""

    __name__: str

    def measure(self) -> Iterator[Row]: ...


def run(parts: Sequence[Part], result: Path) -> bool:
    """Run all parts and print the table. Returns whether every budget is met."""
    console = Console()
    rows: list[Row] = []
    for part in parts:
        console.print(f"[dim]{part.__name__.rpartition('.')[2].replace('_', ' ')} …[/dim]")
        rows.extend(part.measure())
    console.print()
    show(rows, console)
    write(rows, result)
    console.print(f"\nAlso written to .local/{result.name}")
    return not any(row.met is False for row in rows)


def main(parts: Sequence[Part], result: Path) -> int:
    """Returns the exit code: 1 if a budget is missed or the local system does not start."""
    budgets_met: list[bool] = []
    status = exit_status(lambda: budgets_met.append(run(parts, result)), when_interrupted="Nothing was written.")
    return status or int(not all(budgets_met))
