"""The files of a report: CSV and page."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

from msgspec.structs import replace

from lambdas.accounts.money import MINOR_UNITS
from lambdas.reporting.charts import MOST_CURRENCIES
from lambdas.reporting.csv_file import COLUMNS, as_csv
from lambdas.reporting.figures import DailyReport
from lambdas.reporting.page import as_page
from tests.unit.reporting.days import DAY, mover, report, total

EMPTY = report([], [])


class Outline(HTMLParser):
    """What a page is made of: tags, addresses, ids, and the texts of table rows."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.ids: list[str | None] = []
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"} and self._cell is not None:
            self.rows[-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def csv_rows(found: DailyReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(found).decode(), newline="")))


def test_csv_has_a_line_for_each_currency_in_its_own_decimals() -> None:
    bahrain, euro, yen = csv_rows(report())
    assert bahrain == dict.fromkeys(COLUMNS, "0") | {
        "day": "2026-11-21", "currency": "BHD", "decimal_places": "3", "events": "1", "active_accounts": "1",
        "withdrawals": "1", "credited": "0.000", "withdrawn": "1.234", "transferred": "0.000", "net": "-1.234",
    }  # fmt: skip
    assert (euro["credited"], euro["transferred"], euro["net"]) == ("1234567.89", "100.50", "1234467.34")
    assert (yen["decimal_places"], yen["credited"]) == ("0", "98765")
    assert (euro["events"], euro["closed"]) == ("12", "3")


def test_no_text_of_the_file_is_a_formula() -> None:
    [planted] = csv_rows(report([total("=1+", credits=1, credited=-5, net=-7)], []))
    assert (planted["currency"], planted["credited"], planted["net"]) == ("'=1+", "-5", "-7")


def test_an_empty_day() -> None:
    assert as_csv(EMPTY) == (",".join(COLUMNS) + "\r\n").encode()
    page = as_page(EMPTY).decode()
    assert "Nothing was booked" in page
    assert "<svg" not in page
    assert "<table" not in page


def test_a_day_of_closings_only_and_a_day_without_amounts() -> None:
    closings = as_page(report([total("EUR", events=2, closed=2)], []))
    assert b"<svg" not in closings
    assert b">None<" not in closings
    assert b"At a glance" not in closings, "nothing is drawn"
    assert ["EUR", "2", "0", "0", "0", "0.00", "0", "0.00", "0", "0.00", "0.00"] in Outline(closings).rows
    assert ["All currencies", "2", "", "0", "0", "", "0", "", "0", "", ""] in Outline(closings).rows
    openings = as_page(report([total("EUR", events=2, opened=2)], []))
    assert openings.count(b"<svg") == 1, "there are events to draw, and no amounts"


def test_the_page_shows_every_figure() -> None:
    rows = Outline(as_page(report())).rows
    assert ["EUR", "12", "3", "2", "4", "1,234,567.89", "2", "0.05", "1", "100.50", "1,234,467.34"] in rows
    assert ["JPY", "2", "1", "1", "1", "98,765", "0", "0", "0", "0", "98,765"] in rows
    assert ["BHD", "1", "1", "0", "0", "0.000", "1", "1.234", "0", "0.000", "-1.234"] in rows
    assert ["All currencies", "15", "", "3", "5", "", "3", "", "1", "", ""] in rows
    assert ["EUR", "2", "8a3c5f0e-1111-4222-8333-000000000002", "100.50", "-100.50", "2"] in rows
    page = as_page(report()).decode()
    assert "Saturday, 21 November 2026" in page
    assert "<dt>Accounts closed</dt><dd>3</dd>" in page


def test_missing_events_are_on_the_page_and_in_the_file() -> None:
    whole, page = as_page(report()).decode(), as_page(report(missing=1200)).decode()
    assert "<dt>Missing in the lake</dt><dd>0</dd>" in whole
    assert 'role="alert"' not in whole
    assert "<dt>Missing in the lake</dt><dd>1,200</dd>" in page
    assert (
        '<p class="card alert" role="alert"><strong>1,200 events of this day are missing in the lake</strong>' in page
    )
    assert "<strong>1 event of this day is missing" in as_page(report(missing=1)).decode()
    by_currency = {row["currency"]: row["missing"] for row in csv_rows(report(missing=7))}
    assert by_currency == {"BHD": "0", "EUR": "0", "JPY": "0", "XXX": "7"}
    assert [row["missing"] for row in csv_rows(report([total("EUR", events=2)], [], missing=3))] == ["0", "3"]
    assert {row["missing"] for row in csv_rows(report())} == {"0"}


def test_a_retired_currency_is_shown_in_minor_units_and_says_so() -> None:
    rows = Outline(as_page(report([total("DEM", credits=1, credited=12345)], []))).rows
    assert rows[1][0] == "DEM (in minor units)"
    assert rows[1][5] == "12,345"


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    outline = Outline(as_page(report()))
    assert outline.addresses == ["report.csv"]
    assert {"script", "link", "iframe", "img", "object"} & set(outline.tags) == set()
    assert "url(" not in as_page(report()).decode()
    assert "@import" not in as_page(report()).decode()


def test_ids_are_unique() -> None:
    ids = Outline(as_page(report())).ids
    assert len(ids) == len(set(ids))


def test_text_from_the_lake_is_never_markup() -> None:
    attack = '<script>alert("1")</script>&<img src=x onerror=y>'
    currency = "<b>"

    def page(code: str, account_id: str) -> Outline:
        movers = [mover(code, 1, 5, 5, account_id)]
        return Outline(as_page(report([total(code, events=1, credits=1, credited=5)], movers)))

    outline = page(currency, attack)
    assert {"script", "img", "b"} & set(outline.tags) == set()
    assert outline.tags == page("DEM", "harmless").tags
    assert any(attack in row for row in outline.rows), "it is shown as it is"
    assert [row[0] for row in outline.rows].count(f"{currency} (in minor units)") == 2, "in both tables"


def test_charts_hold_the_busiest_currencies_and_tables_hold_all() -> None:
    codes = sorted(MINOR_UNITS)[:20]
    rows = [total(code, events=number, credits=number, credited=number) for number, code in enumerate(codes, 1)]
    page = as_page(report(rows, [])).decode()
    drawn = re.findall(r'id="chart-amounts-(\w+)"', page)
    assert drawn == sorted(codes[-MOST_CURRENCIES:])
    assert len([row for row in Outline(page.encode()).rows if row[0] in codes]) == len(codes)


def test_equal_figures_give_equal_bytes_in_any_process_on_any_day() -> None:
    program = (
        "import datetime, hashlib, sys\n"
        "class Later(datetime.date):\n"
        "    @classmethod\n"
        "    def today(cls): return cls(2030, 1, int(sys.argv[1]))\n"
        "import pygal.svg; pygal.svg.date = Later\n"
        "from tests.unit.reporting.days import report\n"
        "from lambdas.reporting.page import as_page\n"
        "print(hashlib.sha256(as_page(report())).hexdigest())"
    )
    repository = Path(__file__).parents[3]
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, seed], cwd=repository,
            env={"PYTHONHASHSEED": seed, "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
    page = as_page(report())
    assert page == as_page(report())
    assert page != as_page(replace(report(), movers=()))
    assert str(DAY).encode() in page
