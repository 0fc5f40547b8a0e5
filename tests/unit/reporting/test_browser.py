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

from lambdas.reporting.page import as_page
from tests.unit.reporting.days import TOTALS, report

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
BROWSER = next((found for found in map(shutil.which, NAMES) if found), "")
WIDTH, HEIGHT = 800, 1100
FIRST_COLOUR, SECOND_COLOUR = (0x44, 0x77, 0xAA), (0xEE, 0x66, 0x77)
LIGHT_CARD, DARK_CARD = (0xFF, 0xFF, 0xFF), (0x16, 0x1B, 0x22)

pytestmark = pytest.mark.skipif(
    not BROWSER, reason=f"no browser here (one of {', '.join(NAMES)}): `apt-get install chromium`"
)

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
  text: text.textContent, chart: text.ownerSVGElement.id, width: text.getBoundingClientRect().width,
  inside: text.getBoundingClientRect().right <= text.ownerSVGElement.getBoundingClientRect().right}));
const result = {boxes, texts, overflow: document.documentElement.scrollWidth - window.innerWidth};
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


def measured(tmp_path: Path, page: bytes) -> dict[str, Any]:
    """Where bars and texts are. The page forbids scripts, so this measures a copy that does not."""
    open_page = re.sub(rb"<meta http-equiv=.*?>", b"", page).replace(b"</body>", MEASURE.encode() + b"</body>")
    dom = browse(tmp_path, open_page, "--dump-dom")
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
    assert {box["fill"] for box in events} == {"rgb(68, 119, 170)", "rgb(238, 102, 119)", "rgb(34, 136, 51)"}
    euro = [box["height"] for box in events if box["fill"] == "rgb(238, 102, 119)"]
    assert [height / euro[-1] for height in euro] == pytest.approx([2, 4, 2, 1], rel=0.02)
    credited, withdrawn, _ = charts["chart-amounts-EUR"]
    assert credited["height"] > 100
    assert withdrawn["height"] < 1
    texts = {(each["chart"], each["text"]) for each in found["texts"] if each["width"] > 0}
    assert {("chart-amounts-EUR", "1.23M"), ("chart-amounts-BHD", "1.234"), ("chart-events", "Withdrawals")} <= texts
    assert all(each["inside"] for each in found["texts"])
    assert found["overflow"] <= 0, "the tables scroll; the page does not"


@pytest.mark.parametrize(("scheme", "card", "other"), [(1, LIGHT_CARD, DARK_CARD), (0, DARK_CARD, LIGHT_CARD)])
def test_the_page_as_it_is_written_shows_its_colours(
    tmp_path: Path, scheme: int, card: tuple[int, ...], other: tuple[int, ...]
) -> None:
    page = as_page(report(TOTALS, []))
    picture = tmp_path / "page.png"
    browse(tmp_path, page, f"--screenshot={picture}", f"--blink-settings=preferredColorScheme={scheme}")
    found = colours(picture.read_bytes())
    assert sum(found.values()) == WIDTH * HEIGHT
    assert found[FIRST_COLOUR] > 1000
    assert found[SECOND_COLOUR] > 1000
    assert found[card] > WIDTH * HEIGHT / 3
    assert found[other] < found[card] / 20
