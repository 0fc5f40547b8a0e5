"""The rows of the benchmark's one table, its printed form and its JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


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
    """Print the table, with a section for each group."""
    table = Table(title="Daybook benchmark", title_justify="left", show_edge=False)
    for heading in ("", "value", "unit", "budget", "", "note"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    group = None
    for row in rows:
        if row.group != group:
            table.add_section()
            table.add_row(f"[bold]{row.group}[/bold]")
            group = row.group
        verdict = "" if row.met is None else "[green]met[/green]" if row.met else "[red]missed[/red]"
        table.add_row(row.name, f"{row.value:,.4g}" if row.value < 1000 else f"{row.value:,.0f}", row.unit,
                      row.budget or "", verdict, row.note)  # fmt: skip
    console.print(table)


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a JSON array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
