"""The report as one HTML page that loads nothing: no scripts, and all styles and charts inline.

`templates/report.html` is the page. Jinja2 escapes every value put into it; only the charts are markup already.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lambdas.reporting.amounts import decimal_places, readable_amount
from lambdas.reporting.charts import KINDS, MOST_CURRENCIES, amounts_chart, busiest, events_chart
from lambdas.reporting.figures import TOP, DailyReport


def as_page(report: DailyReport) -> bytes:
    """The page, in UTF-8. Equal reports give equal bytes."""
    headline = {
        "Events": report.total("events"),
        "Accounts opened": report.total("opened"),
        "Accounts closed": report.total("closed"),
        "Currencies": len(report.currencies),
        "Missing in the lake": report.missing,
    }
    return _PAGE.render(report=report, headline=headline.items(), charts=_charts(report), top=TOP).encode()


def _charts(report: DailyReport) -> dict[str, Any]:
    shown = busiest(report)
    drawn = any(getattr(line, count) for line in shown for _, count, _ in KINDS)
    moved = [line for line in shown if line.credited or line.withdrawn or line.transferred]
    return {
        "events": events_chart(shown) if drawn else None,
        "amounts": [(line.currency, amounts_chart(line)) for line in moved],
        "left_out": len(report.currencies) - len(shown),
        "most": MOST_CURRENCIES,
    }


def _long_date(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _with_unit(currency: str) -> str:
    return currency if decimal_places(currency) is not None else f"{currency} (in minor units)"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "number": "{:,}".format,
        "amount": readable_amount,
        "long_date": _long_date,
        "with_unit": _with_unit,
    }
    return environment


# read and compiled when the function is initialised, so that SnapStart keeps it and a bad template cannot be deployed
_PAGE: Final = _environment().get_template("report.html")
