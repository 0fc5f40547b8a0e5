"""A step says that it goes on, and how it ended."""

import io
import time

import pytest

from local.machine.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_where_nobody_watches() -> None:
    out = io.StringIO()
    with Progress(out, plain_tick=0.01).step("Working"):
        time.sleep(0.1)
    first, *ticks, last = out.getvalue().splitlines()
    assert first == "  ...    Working"
    assert ticks[0] == "  ...    Working (0 s so far)"
    assert last.startswith("  done   Working (0.")
    assert "\033" not in out.getvalue()


def test_a_live_line_on_a_terminal() -> None:
    out = Terminal()
    with Progress(out).step("Working"):
        time.sleep(0.5)
    assert out.getvalue().count("\n") == 1
    assert "Working (0 s)" in out.getvalue()
    assert "done" in out.getvalue()


def test_a_live_line_is_cut_before_the_terminal_would_break_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    progress = Progress(out)
    progress._tick = 0.01
    with progress.step("Working " * 20):
        time.sleep(0.1)
    *ticks, _ = out.getvalue().split("\r\033[K")[1:]
    assert ticks
    assert {len(tick) for tick in ticks} == {39}


def test_a_step_that_fails_says_so() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="broken"), Progress(out).step("Working"):
        raise ValueError("broken")
    assert "failed Working" in out.getvalue()
