"""What is told of what takes long, on a terminal and elsewhere."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from cli.progress import Steps

WORDS = "Retrying commands"


class Told:
    """Standard error, and a way to wait until something was said: `words`, which may be others than the first ones."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.text = ""
        self.words = WORDS
        self.said = threading.Event()

    def write(self, text: str) -> int:
        self.text += text
        if self.words in self.text:
            self.said.set()
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


@pytest.fixture
def elsewhere() -> Told:
    return Told(io.StringIO())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """A real one, of which nobody reads the other end."""
    near, far = pty.openpty()
    with os.fdopen(far, "w") as stream:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        yield Told(stream)
    os.close(near)


def test_nothing_is_told_of_what_ends_soon(elsewhere: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", elsewhere)
    with Steps(WORDS, 2) as steps:
        steps.advance()
    assert elsewhere.text == ""


def test_elsewhere_a_plain_line_now_and_then(elsewhere: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", elsewhere)
    with Steps(WORDS, 3, patience=0.0, every=0.01) as steps:
        steps.advance(2)
        assert elsewhere.said.wait(10)
    assert "\x1b" not in elsewhere.text
    assert re.fullmatch(r"(Retrying commands, [02] of 3 done \(0 s so far\)\n)+", elsewhere.text)


def test_a_line_without_a_total(elsewhere: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", elsewhere)
    with Steps(WORDS, patience=0.0):
        assert elsewhere.said.wait(10)
    assert elsewhere.text == "Retrying commands (0 s so far)\n"


def test_on_a_terminal_a_bar_that_goes_away(terminal: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    terminal.words = "1/3"  # the bar may show a 0 before it
    with Steps(WORDS, 3, patience=0.0) as steps:
        steps.advance()
        assert terminal.said.wait(10)
    assert terminal.text.endswith("\x1b[2K"), "the last line is erased"


def test_without_colours(terminal: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    with Steps(WORDS, 3, patience=0.0):
        assert terminal.said.wait(10)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", terminal.text)


def test_an_error_ends_it(elsewhere: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", elsewhere)
    with pytest.raises(ValueError, match="no"), Steps(WORDS, patience=60.0):
        raise ValueError("no")
    assert all(each.name != "progress" for each in threading.enumerate())


def test_within_another_one_nothing_is_told(elsewhere: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", elsewhere)
    with Steps(WORDS, patience=0.0), Steps("Something smaller", patience=0.0) as inner:
        inner.advance()
        assert elsewhere.said.wait(10)
    assert "smaller" not in elsewhere.text
