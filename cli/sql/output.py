"""Formats a result as a table, CSV or JSON, and its cost."""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.envelope import envelope
from cli.output import Outcome
from cli.sql.session import Result
from lambdas.reporting.csv_text import inert

_UNITS = ("bytes", "KB", "MB", "GB", "TB")
_STEP = 1024


def as_table(result: Result) -> str:
    """Columns under headings, numbers to the right, and the number of rows. Nothing is cut off."""
    console = Console(file=io.StringIO(), width=10_000, color_system=None)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, name in enumerate(result.columns):
        numbers = any(isinstance(row[place], int | float | Decimal) for row in result.rows)
        table.add_column(Text(name), justify="right" if numbers else "left", no_wrap=True)
    for row in result.rows:
        table.add_row(*(Text(value_text(value)) for value in row))
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    count = "1 row" if len(result.rows) == 1 else f"{len(result.rows):,} rows"
    return "\n".join([*lines, f"({count})"])


def as_csv(result: Result) -> str:
    """RFC 4180 with a line of column names; a null is empty. No text is a formula to a spreadsheet."""
    return _csv([inert(name) for name in result.columns], ([_cell(value) for value in row] for row in result.rows))


def as_raw_csv(result: Result) -> str:
    """The same with every text as it is, for programs."""
    return _csv(result.columns, ([value_text(value) for value in row] for row in result.rows))


def _cell(value: Any) -> str:
    return inert(value) if isinstance(value, str) else value_text(value)


def _csv(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heading)
    writer.writerows(rows)
    return out.getvalue().rstrip("\r\n")


class Rows(msgspec.Struct, frozen=True):
    """A result for `--json`: objects by column name, and their cost. Times, days and decimals are texts."""

    rows: list[dict[str, Any]]
    bytes_scanned: int
    dollars: float


def as_data(result: Result) -> Rows:
    """What `--json` shows of a result. Whole and floating-point numbers, truth and null stay what they are."""
    rows = [dict(zip(result.columns, map(_plain, row), strict=True)) for row in result.rows]
    return Rows(rows, result.bytes_scanned, result.dollars)


def as_json(result: Result) -> str:
    """The document of `--json`."""
    return envelope(Outcome(as_data(result)))


class Form(enum.StrEnum):
    """How rows are shown."""

    TABLE = "table"
    CSV = "csv"
    RAW_CSV = "raw csv"
    JSON = "json"


FORMS: dict[Form, Callable[[Result], str]] = {
    Form.TABLE: as_table,
    Form.CSV: as_csv,
    Form.RAW_CSV: as_raw_csv,
    Form.JSON: as_json,
}


def cost(result: Result) -> str:
    """`7.4 KB scanned, $0.000048 on Athena (10 MB are charged at least)`."""
    return f"{_size(result.bytes_scanned)} scanned, ${result.dollars:.6f} on Athena (10 MB are charged at least)"


def _size(count: int) -> str:
    number, unit = float(count), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"


def value_text(value: Any) -> str:
    """A value as CSV has it: a null is empty, a time has milliseconds, a struct is JSON."""
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(sep=" ", timespec="milliseconds")
        case date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, default=value_text, ensure_ascii=False)
        case _:
            return str(value)


def _plain(value: Any) -> Any:
    match value:
        case bool() | int() | float() | None:
            return value
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value_text(value)
