"""Titles, lines and tables as `make run` prints them: no line is longer than 80 columns, and none ends in blanks."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

FIRST, LAST = 2, 4
"""How many rows are shown of a long table's beginning, and of its end."""
INDENT = "  "

T = TypeVar("T")


def folded(rows: Sequence[T]) -> tuple[Sequence[T], int, Sequence[T]]:
    """The first rows, the number of rows left out, and the last rows. A single row is never left out."""
    left_out = len(rows) - FIRST - LAST
    return (rows, 0, ()) if left_out <= 1 else (rows[:FIRST], left_out, rows[-LAST:])


def print_title(console: Console, title: str) -> None:
    """Print a blank line and a title, which is never wrapped."""
    console.print()
    console.print(Text(title, style="bold"), soft_wrap=True)


def print_lines(console: Console, *lines: str) -> None:
    """Print lines as they are, indented. The caller keeps them short."""
    for line in lines:
        console.print(f"{INDENT}{line}".rstrip(), markup=False, highlight=False, soft_wrap=True)


def print_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Iterable[str], gap: int = 2
) -> None:
    """Print columns under headings, those in `right` aligned to the right, without the middle of a long table.

    `gap` is the number of blanks between columns.
    """
    table = _table(show_header=True, gap=gap)
    for name in columns:
        table.add_column(Text(name), justify="right" if name in set(right) else "left", no_wrap=True)
    before, left_out, after = folded(rows)
    _add(table, before)
    if left_out:
        dots = "..." if console.options.ascii_only else "…"
        fold = f"{dots} {left_out} rows {dots}"
        table.add_row("", Text(fold, style="dim"), *[""] * (len(columns) - 2))
    _add(table, after)
    _print(console, table)


def print_upright(console: Console, rows: Sequence[Sequence[str]], *, right: bool = False) -> None:
    """Print a line for each name with its values in the columns behind it, aligned to the right if they are numbers."""
    table = _table(show_header=False)
    for row in rows:
        for place in range(len(table.columns), len(row)):
            table.add_column(justify="right" if right and place else "left", overflow="fold")
        _add(table, [row])
    _print(console, table)


def _table(*, show_header: bool, gap: int = 2) -> Table:
    """The box's own divider is one of the gap's blanks."""
    padding = (0, gap - 1, 0, 0)
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=padding, show_header=show_header)


def _add(table: Table, rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        table.add_row(*(Text(each) for each in row))


def _print(console: Console, table: Table) -> None:
    """Rich fills every line with blanks up to the table's width."""
    with console.capture() as captured:
        console.print(table, width=console.width - len(INDENT))
    for line in captured.get().splitlines():
        console.out(f"{INDENT}{line}".rstrip(), highlight=False)
