"""The report as CSV (RFC 4180, UTF-8): a line for each currency, sorted by its code."""

from __future__ import annotations

import csv
import io
from typing import Final

from lambdas.accounts.money import NO_CURRENCY
from lambdas.reporting.amounts import decimal_places, plain_amount
from lambdas.reporting.csv_text import inert
from lambdas.reporting.figures import CurrencyFigures, DailyReport

COLUMNS: Final = (
    "day", "currency", "decimal_places", "events", "active_accounts", "opened", "closed", "credits", "credited",
    "withdrawals", "withdrawn", "transfers", "transferred", "net", "missing",
)  # fmt: skip
AMOUNTS: Final = frozenset({"credited", "withdrawn", "transferred", "net"})
"""Decimal text in the currency's major unit; in minor units where `decimal_places` is empty."""


def as_csv(report: DailyReport) -> bytes:
    """The file. A line of XXX (ISO 4217: no currency) counts missing events, if there are any."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    lines.writerows([_cell(report, line, column) for column in COLUMNS] for line in report.lines)
    return text.getvalue().encode()


def _cell(report: DailyReport, line: CurrencyFigures, column: str) -> str | int:
    if column == "missing":
        return report.missing if line.currency == NO_CURRENCY else 0
    if column in AMOUNTS:
        return plain_amount(getattr(line, column), line.currency)
    if column == "decimal_places":
        places = decimal_places(line.currency)
        return "" if places is None else places
    if column == "currency":
        return inert(line.currency)
    value: str | int = str(line.day) if column == "day" else getattr(line, column)
    return value
