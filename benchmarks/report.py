"""The rows of the benchmark's one table, its printed form and its JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_ANY_WIDTH = 10_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. `budget` is the design's bound, None if there is none; `met` says whether it holds."""

    group: str
    name: str
    value: float
    unit: str
    budget: str | None = None
    met: bool | None = None
    note: str = ""


def at_most(value: float, bound: float) -> tuple[str, bool]:
    """The budget column and its verdict for an upper bound."""
    return f"≤ {bound:g}", value <= bound


def at_least(value: float, bound: float) -> tuple[str, bool]:
    """The budget column and its verdict for a lower bound."""
    return f"≥ {bound:g}", value >= bound


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table, a line for each row however narrow the console is, with a section for each group."""
    table = Table(title="Daybook benchmark", title_justify="left", show_edge=False)
    for heading in ("", "value", "unit", "budget", "", "note"):
        table.add_column(heading, justify="right" if heading == "value" else "left", no_wrap=True)
    for group, its_rows in groupby(rows, key=lambda row: row.group):
        table.add_section()
        table.add_row(f"[bold]{group}[/bold]")
        for row in its_rows:
            table.add_row(row.name, _number(row.value), row.unit, row.budget or "", _verdict(row), row.note)
    bounds = console.width
    console.width = Measurement.get(console, console.options.update(max_width=_ANY_WIDTH), table).maximum
    console.print(table)
    console.width = bounds


def _number(value: float) -> str:
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _verdict(row: Row) -> str:
    return "" if row.met is None else "[green]met[/green]" if row.met else "[red]missed[/red]"


def document(rows: Sequence[Row]) -> bytes:
    """The rows as a JSON array, with a line end."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n"


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a JSON array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document(rows))
