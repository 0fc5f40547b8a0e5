"""The page in a real browser: its charts are drawn, in its light and its dark form, and it fits its window."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from lambdas.accounts.money import MINOR_UNITS
from lambdas.reporting.charts import TEXT_SIZE
from lambdas.reporting.figures import DailyReport
from lambdas.reporting.page import as_page
from tests.unit.reporting.days import TOTALS, report, total

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
BROWSER = next((found for found in map(shutil.which, NAMES) if found), "")
WIDTH, HEIGHT = 800, 1100
OPENED, IN, OUT, BETWEEN = (0x8A, 0x8A, 0x8A), (0x44, 0x77, 0xAA), (0xEE, 0x66, 0x77), (0x22, 0x88, 0x33)
LIGHT_CARD, DARK_CARD = (0xFF, 0xFF, 0xFF), (0x16, 0x1B, 0x22)

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(not BROWSER, reason=f"no browser here (one of {', '.join(NAMES)}): `apt-get install chromium`"),
]

MEASURE = """
<script>
const boxes = [...document.querySelectorAll('svg .bar rect')].map(bar => {
  bar.scrollIntoView({block: 'center'});
  const box = bar.getBoundingClientRect();
  const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {chart: bar.ownerSVGElement.id, width: box.width, height: box.height, x: box.x,
          seen: seen === bar, fill: getComputedStyle(bar).fill};
});
const texts = [...document.querySelectorAll('svg text')].map(text => ({
  text: text.textContent, chart: text.ownerSVGElement.id,
  size: getComputedStyle(text).fontSize,
  scale: text.ownerSVGElement.getBoundingClientRect().width / text.ownerSVGElement.viewBox.baseVal.width,
  width: text.getBoundingClientRect().width,
  inside: text.getBoundingClientRect().right <= text.ownerSVGElement.getBoundingClientRect().right}));
const legend = Object.fromEntries([...document.querySelectorAll('svg .legend')].map(entry => [
  entry.querySelector('text').textContent, getComputedStyle(entry.querySelector('rect')).fill]));
const result = {boxes, texts, legend, overflow: document.documentElement.scrollWidth - window.innerWidth};
document.body.innerHTML = '<pre id="result"></pre>';
document.getElementById('result').textContent = JSON.stringify(result);
</script>
"""


def browse(tmp_path: Path, page: bytes, *options: str) -> str:
    """Open a page; gives what the browser prints."""
    file = tmp_path / "index.html"
    file.write_bytes(page)
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
        f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={WIDTH},{HEIGHT}", *options, file.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def css(colour: tuple[int, ...]) -> str:
    """As a browser writes a colour."""
    return f"rgb({', '.join(map(str, colour))})"


def measured(tmp_path: Path, page: bytes, *options: str) -> dict[str, Any]:
    """Where bars and texts are. The page forbids scripts, so this measures a copy that does not."""
    open_page = re.sub(rb"<meta http-equiv=.*?>", b"", page).replace(b"</body>", MEASURE.encode() + b"</body>")
    dom = browse(tmp_path, open_page, "--dump-dom", *options)
    [text] = re.findall(r'<pre id="result">(.*?)</pre>', dom, re.DOTALL)
    found: dict[str, Any] = json.loads(unescape(text))
    return found


def colours(png: bytes) -> Counter[tuple[int, ...]]:
    """How many pixels there are of each colour in a PNG of 8-bit RGB(A), not interlaced (the PNG specification, 9)."""
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", png[16:29])
    assert (depth, kind in {2, 6}) == (8, True)
    size, data, at = (3 if kind == 2 else 4), b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, stride = zlib.decompress(data), width * size
    above, found = bytearray(stride), Counter[tuple[int, ...]]()
    for start in range(0, height * (stride + 1), stride + 1):
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), above, size)
        found.update(zip(above[0::size], above[1::size], above[2::size], strict=True))
    return found


def _unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> bytearray:
    for i in range(len(line)):
        left, corner = (line[i - size], above[i - size]) if i >= size else (0, 0)
        line[i] = (line[i] + (0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner))[kind]) & 255
    return line


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda each: abs(estimate - each))


def test_every_bar_is_drawn_in_proportion_and_can_be_seen(tmp_path: Path) -> None:
    found = measured(tmp_path, as_page(report()))
    charts = {
        name: [box for box in found["boxes"] if box["chart"] == name] for name in ("chart-events", "chart-amounts-EUR")
    }
    events = charts["chart-events"]
    assert len(events) == 7, "a bar for each count that is not zero"
    assert all(box["seen"] and box["width"] > 5 for box in events)
    assert [box["fill"] for box in events] == [*map(css, (BETWEEN, OUT, OUT, IN, IN, OPENED, OPENED))]
    yen, euro = (box["width"] for box in events if box["fill"] == css(IN))
    assert euro / yen == pytest.approx(4, rel=0.02)
    assert [box["width"] / yen for box in events] == pytest.approx([1, 2, 1, 1, 4, 1, 2], rel=0.02)
    transferred, withdrawn, credited = charts["chart-amounts-EUR"]
    assert credited["width"] > 50
    assert withdrawn["width"] < 1
    assert [each["fill"] for each in (credited, withdrawn, transferred)] == [*map(css, (IN, OUT, BETWEEN))]
    texts = {(each["chart"], each["text"]) for each in found["texts"] if each["width"] > 0}
    assert {("chart-amounts-EUR", "1.23M"), ("chart-amounts-BHD", "1.234"), ("chart-events", "Withdrawals")} <= texts
    assert all(each["inside"] for each in found["texts"])
    assert found["overflow"] <= 0, "the tables scroll; the page does not"


ONE_CURRENCY = report([total("EUR", events=9, credits=4, credited=123456789, withdrawals=2, withdrawn=5)], [])
EIGHT_CURRENCIES = report(
    [total(code, events=1234567, opened=1234567, credits=1, credited=999999999) for code in sorted(MINOR_UNITS)[:8]], []
)


@pytest.mark.parametrize(
    ("found", "width"),
    [(ONE_CURRENCY, 1280), (report(), 380), (EIGHT_CURRENCIES, 380)],
    ids=["one", "three", "eight"],
)
def test_texts_have_one_size_and_a_colour_one_meaning_with_any_number_of_currencies(
    tmp_path: Path, found: DailyReport, width: int
) -> None:
    page = measured(tmp_path, as_page(found), f"--window-size={width},{HEIGHT}")
    assert {(each["size"], each["scale"]) for each in page["texts"]} == {(f"{TEXT_SIZE}px", 1)}
    assert all(each["inside"] for each in page["texts"])
    assert page["overflow"] <= 0
    kinds = {"Opened": OPENED, "Credits": IN, "Withdrawals": OUT, "Transfers": BETWEEN}
    assert page["legend"] == {name: css(colour) for name, colour in kinds.items()}
    for line in found.currencies:
        bars = [box["fill"] for box in page["boxes"] if box["chart"] == f"chart-amounts-{line.currency}"]
        assert bars == [*map(css, (BETWEEN, OUT, IN))], "transferred, withdrawn, credited"


@pytest.mark.parametrize(("scheme", "card", "other"), [(1, LIGHT_CARD, DARK_CARD), (0, DARK_CARD, LIGHT_CARD)])
def test_the_page_as_it_is_written_shows_its_colours(
    tmp_path: Path, scheme: int, card: tuple[int, ...], other: tuple[int, ...]
) -> None:
    page = as_page(report(TOTALS, []))
    picture = tmp_path / "page.png"
    browse(tmp_path, page, f"--screenshot={picture}", f"--blink-settings=preferredColorScheme={scheme}")
    found = colours(picture.read_bytes())
    assert sum(found.values()) == WIDTH * HEIGHT
    assert found[IN] > 1000
    assert found[OUT] > 1000
    assert found[card] > WIDTH * HEIGHT / 3
    assert found[other] < found[card] / 20
