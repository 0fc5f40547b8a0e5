"""Charts as SVG elements to stand inside a page: no scripts, no fonts or styles from elsewhere, no clock, no chance.

Colours of axes and text are the page's business (`templates/report.css`), so that they follow its light and dark form.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.etree import etree
from pygal.style import Style

from lambdas.reporting.amounts import short_amount
from lambdas.reporting.figures import CurrencyFigures, DailyReport

# pygal hooks into every import of the process, for map plugins that nobody has here, in a way Python 3.12 gave up
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

MOST_CURRENCIES: Final = 8
"""A chart holds so many; the tables hold all."""

KINDS: Final = (
    ("Opened", "opened"),
    ("Credits", "credits"),
    ("Withdrawals", "withdrawals"),
    ("Transfers", "transfers"),
)
FLOWS: Final = (("Credited", "credited"), ("Withdrawn", "withdrawn"), ("Transferred", "transferred"))
_UNUSED: Final = {"script", "desc", "title"}
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    font_family="system-ui, sans-serif",
    label_font_size=14,
    major_label_font_size=14,
    value_font_size=13,
    legend_font_size=14,
    opacity="1",
    stroke_opacity="0",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    # after Paul Tol's "bright" scheme: told apart with every common colour blindness, on light and on dark
    colors=("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#8A8A8A", "#EE7733"),
)


def busiest(report: DailyReport) -> tuple[CurrencyFigures, ...]:
    """The currencies with the most events, in the order of their codes."""
    ranked = sorted(report.currencies, key=lambda line: (-line.events, line.currency))[:MOST_CURRENCIES]
    return tuple(sorted(ranked, key=lambda line: line.currency))


def events_chart(lines: Sequence[CurrencyFigures]) -> Markup:
    """How many events of each kind there were, a bar for each currency."""
    chart = _bars("events", width=900, height=360, order_min=0, show_legend=True, value_formatter="{:,.0f}".format)
    chart.x_labels = [label for label, _ in KINDS]
    for line in lines:
        chart.add(line.currency, [getattr(line, name) or None for _, name in KINDS])
    return _svg(chart, "Number of events of each kind, by currency")


def amounts_chart(line: CurrencyFigures) -> Markup:
    """How much of one currency was credited, withdrawn and transferred: a bar each."""
    chart = _bars(
        f"amounts-{line.currency}",
        width=420,
        height=240,
        show_legend=False,
        show_y_labels=False,
        show_y_guides=False,
        value_formatter=lambda amount: short_amount(round(amount), line.currency),
    )
    chart.x_labels = [label for label, _ in FLOWS]
    colours = zip(FLOWS, _STYLE.colors, strict=False)
    chart.add(line.currency, [{"value": getattr(line, name), "color": colour} for (_, name), colour in colours])
    return _svg(chart, f"{line.currency}: amounts credited, withdrawn and transferred")


def _bars(name: str, **options: Any) -> Any:
    chart = pygal.Bar(
        style=_STYLE,
        js=(),
        print_values=True,
        print_values_position="top",
        legend_at_bottom=True,
        legend_at_bottom_columns=MOST_CURRENCIES,
        include_x_axis=True,
        truncate_label=-1,
        disable_xml_declaration=True,
        **options,
    )
    chart.uuid = name
    chart.add_xml_filter(_only_the_picture)
    return chart


def _only_the_picture(root: Element) -> Element:
    """Take out what needs a script, ids (two charts would share them), and comments: one holds today's date."""
    for parent in list(root.iter()):
        if parent is not root:
            parent.attrib.pop("id", None)
        for child in list(parent):
            if child.tag is etree.Comment or child.tag in _UNUSED or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
    return root


def _svg(chart: Any, description: str) -> Markup:
    etree.to_etree()  # the same bytes whether or not lxml is installed
    chart.add_xml_filter(lambda root: _described(root, description))
    return Markup(chart.render())  # noqa: S704 - ElementTree has escaped every text in it


def _described(root: Element, description: str) -> Element:
    root.set("role", "img")
    root.set("aria-label", description)
    return root
