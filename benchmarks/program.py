"""Runs the parts, prints one table or one JSON document, writes the rows. The exit code tells of the budgets."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Protocol

from rich.console import Console

from benchmarks.report import Row, document, show, write
from local.machine.exits import exit_status


class Part(Protocol):
    """A module that measures something."""

    __name__: str

    def measure(self) -> Iterator[Row]: ...


def run(parts: Sequence[Part], result: Path) -> list[Row]:
    """Run all parts, print the table to standard output, and write the rows to `result`."""
    console = Console()
    rows: list[Row] = []
    for part in parts:
        console.print(f"[dim]{part.__name__.rpartition('.')[2].replace('_', ' ')} …[/dim]")
        rows.extend(part.measure())
    console.print()
    show(rows, console)
    write(rows, result)
    console.print(f"\nAlso written to .local/{result.name}")
    return rows


def main(parts: Sequence[Part], result: Path, *, as_json: bool = False) -> int:
    """Returns the exit code: 1 if a budget is missed or the local system does not start.

    With `as_json` standard output holds the rows as one JSON array and nothing else; what people read goes to standard
    error.
    """
    rows: list[Row] = []

    def measure() -> None:
        with redirect_stdout(sys.stderr if as_json else sys.stdout):
            rows.extend(run(parts, result))
        if as_json:
            sys.stdout.write(document(rows).decode())

    status = exit_status(measure, when_interrupted="Nothing was written.")
    return status or int(any(row.met is False for row in rows))
