"""Charts as SVG elements inside a page, without scripts or external fonts and styles. Equal figures give equal bytes.

The page sets the colours of axes and text (`templates/report.css`), for its light and its dark mode.
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

# pygal hooks into every import of the process, for map plugins that nobody has here, in a way that Python 3.12 removed
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

MOST_CURRENCIES: Final = 8
"""The charts show at most so many currencies; the tables show all."""

# after Paul Tol's "bright" scheme: told apart with every common colour blindness, on light and on dark
_OPENED, _IN, _OUT, _BETWEEN = "#8A8A8A", "#4477AA", "#EE6677", "#228833"
KINDS: Final = (
    ("Opened", "opened", _OPENED),
    ("Credits", "credits", _IN),
    ("Withdrawals", "withdrawals", _OUT),
    ("Transfers", "transfers", _BETWEEN),
)
FLOWS: Final = (
    ("Credited", "credited", _IN),
    ("Withdrawn", "withdrawn", _OUT),
    ("Transferred", "transferred", _BETWEEN),
)
"""A colour stands for what happened, in every chart and on every day, and never for a currency."""

TEXT_SIZE: Final = 13
WIDTH: Final = 300
"""In pixels, and it fits a phone: the page never scales a chart, so that all texts in charts have one size."""

_BAR: Final = 17
_ROOM_FOR_AMOUNT: Final = 95
_ROOM_FOR_COUNT: Final = 85
_UNUSED: Final = {"script", "desc", "title"}
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    font_family="system-ui, sans-serif",
    label_font_size=TEXT_SIZE,
    major_label_font_size=TEXT_SIZE,
    value_font_size=TEXT_SIZE,
    legend_font_size=TEXT_SIZE,
    opacity="1",
    stroke_opacity="0",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    colors=tuple(colour for _, _, colour in KINDS),
)


def busiest(report: DailyReport) -> tuple[CurrencyFigures, ...]:
    """The currencies with the most events, in the order of their codes."""
    ranked = sorted(report.currencies, key=lambda line: (-line.events, line.currency))[:MOST_CURRENCIES]
    return tuple(sorted(ranked, key=lambda line: line.currency))


def events_chart(lines: Sequence[CurrencyFigures]) -> Markup:
    """How many events of each kind there were: a group of bars for each currency."""
    chart = _bars(
        "events",
        bars=len(lines) * len(KINDS),
        legend=True,
        margin_right=_ROOM_FOR_COUNT,
        value_formatter="{:,.0f}".format,
    )
    chart.x_labels = [line.currency for line in reversed(lines)]
    for label, name, _ in KINDS:
        chart.add(label, [getattr(line, name) or None for line in reversed(lines)])
    return _svg(chart, "Number of events of each kind, by currency")


def amounts_chart(line: CurrencyFigures) -> Markup:
    """How much of one currency was credited, withdrawn and transferred: a bar each."""
    chart = _bars(
        f"amounts-{line.currency}",
        bars=len(FLOWS) * 1.5,
        legend=False,
        margin_right=_ROOM_FOR_AMOUNT,
        value_formatter=lambda amount: short_amount(round(amount), line.currency),
    )
    chart.x_labels = [label for label, _, _ in reversed(FLOWS)]
    chart.add(line.currency, [{"value": getattr(line, name), "color": colour} for _, name, colour in reversed(FLOWS)])
    return _svg(chart, f"{line.currency}: amounts credited, withdrawn and transferred")


def _bars(name: str, *, bars: float, legend: bool, **options: Any) -> Any:
    """Horizontal bars, with room beside each for its number."""
    chart = pygal.HorizontalBar(
        style=_STYLE,
        js=(),
        explicit_size=True,
        width=WIDTH,
        height=round(bars * _BAR) + (90 if legend else 10),
        margin_top=4,
        margin_bottom=4,
        margin_left=4,
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
        print_values=True,
        print_values_position="top",
        show_legend=legend,
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        truncate_legend=-1,
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
