"""The report as one HTML page that loads nothing: no scripts, and all styles and charts inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from lambdas.reporting.amounts import decimal_places, readable_amount
from lambdas.reporting.charts import MOST_CURRENCIES, amounts_chart, busiest, events_chart
from lambdas.reporting.figures import TOP, CurrencyFigures, DailyReport, Mover
from lambdas.reporting.page_style import STYLE

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_COUNTS: Final = ("events", "opened", "credits", "withdrawals", "transfers")
_CURRENCY_COLUMNS: Final = (
    "Currency", "Events", "Active accounts", "Opened", "Credits", "Credited", "Withdrawals", "Withdrawn", "Transfers",
    "Transferred", "Net change",
)  # fmt: skip
_MOVER_COLUMNS: Final = ("Currency", "Place", "Account", "Moved", "Net change", "Events")


def as_page(report: DailyReport) -> bytes:
    """The page, in UTF-8. Equal reports give equal bytes."""
    title = f"Daily report, {report.day}"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>Daily report: {report.day:%A}, {report.day.day} {report.day:%B %Y}</h1>",
        _INTRODUCTION,
        _headline(report),
        _missing(report.missing) if report.missing else "",
        *(_charts(report) if report.currencies else ()),
        _by_currency(report) if report.lines else _NOTHING,
        _top_movers(report.movers) if report.movers else "",
        _NOTES,
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _headline(report: DailyReport) -> str:
    figures = {
        "Events": report.total("events"),
        "Accounts opened": report.total("opened"),
        "Accounts closed": report.total("closed"),
        "Currencies": len(report.currencies),
        "Missing in the lake": report.missing,
    }
    cards = (f'<div class="card"><dt>{name}</dt><dd>{value:,}</dd></div>' for name, value in figures.items())
    return f"<dl>{''.join(cards)}</dl>"


def _missing(events: int) -> str:
    few = "1 event of this day is" if events == 1 else f"{events:,} events of this day are"
    return (
        f'<p class="card alert" role="alert"><strong>{few} missing in the lake</strong>, and so in every figure here: '
        "the versions of accounts have holes. Events missing before or after all others of an account cannot be seen "
        "this way.</p>"
    )


def _charts(report: DailyReport) -> Iterable[str]:
    shown = busiest(report)
    yield "<h2>At a glance</h2>"
    if len(shown) < len(report.currencies):
        yield f'<p class="soft">The {MOST_CURRENCIES} currencies with the most events; the tables hold all.</p>'
    yield _figure("Events of each kind, by currency", events_chart(shown))
    moved = [line for line in shown if line.credited or line.withdrawn or line.transferred]
    if moved:
        figures = (_figure(f"{line.currency}{_unit(line.currency)}", amounts_chart(line)) for line in moved)
        yield f'<div class="small">{"".join(figures)}</div>'


def _figure(caption: str, svg: str) -> str:
    return f'<figure class="card"><figcaption>{escape(caption)}</figcaption>{svg}</figure>'


def _by_currency(report: DailyReport) -> str:
    totals = {name: f"{report.total(name):,}" for name in _COUNTS}
    foot = ["All currencies"] + [totals.get(name.lower(), "") for name in _CURRENCY_COLUMNS[1:]]
    return _table(
        "By currency",
        "Counts, and sums in the currency's major unit. A transfer counts once, for its sender. "
        "Closings name no currency: they are among the events of the last line only.",
        _CURRENCY_COLUMNS,
        [_currency_cells(line) for line in report.currencies],
        foot,
    )


def _currency_cells(line: CurrencyFigures) -> list[str]:
    credited, withdrawn, transferred, net = (
        readable_amount(amount, line.currency) for amount in (line.credited, line.withdrawn, line.transferred, line.net)
    )
    return [
        line.currency + _unit(line.currency), f"{line.events:,}", f"{line.active_accounts:,}", f"{line.opened:,}",
        f"{line.credits:,}", credited, f"{line.withdrawals:,}", withdrawn, f"{line.transfers:,}", transferred, net,
    ]  # fmt: skip


def _top_movers(movers: Sequence[Mover]) -> str:
    return _table(
        "Top movers",
        f"The accounts on which the most money moved, in and out together: up to {TOP} of each currency.",
        _MOVER_COLUMNS,
        [_mover_cells(mover) for mover in movers],
    )


def _mover_cells(mover: Mover) -> list[str]:
    moved, net = (readable_amount(amount, mover.currency) for amount in (mover.moved, mover.net))
    return [mover.currency + _unit(mover.currency), f"{mover.place}", mover.account_id, moved, net, f"{mover.events:,}"]


def _unit(currency: str) -> str:
    return "" if decimal_places(currency) is not None else " (in minor units)"


def _table(
    title: str, caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()
) -> str:
    """A table whose first column names its rows. Every text is escaped here."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "\n".join(_row(row) for row in rows)
    anchor = title.lower().replace(" ", "-")
    bottom = f"\n<tfoot>\n{_row(foot)}\n</tfoot>" if foot else ""
    return (
        f'<h2 id="{anchor}-title">{escape(title)}</h2>\n'
        f'<div class="card scroll" tabindex="0" role="region" id="{anchor}" aria-labelledby="{anchor}-title">'
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>{bottom}\n</table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    first, *others = (escape(cell) for cell in cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


_INTRODUCTION: Final = (
    '<p class="soft">What was booked on this day in UTC, by recording time. '
    'The same figures as a table for programs: <a href="report.csv">report.csv</a>.</p>'
)
_NOTHING: Final = "<h2>Nothing was booked</h2>\n<p>There are no events of this day.</p>"
_NOTES: Final = (
    '<p class="soft">Events may arrive late: this report is written again on each of the three following days, and is '
    "final after that. Where nothing arrived in between, it stays the same to the byte.</p>"
)
