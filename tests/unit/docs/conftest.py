"""A repository of one page, planted for a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from local.machine.layout import REPOSITORY
from tests.support.pages.page import Page, read_page

DAYBOOK = f"""\
#!{sys.executable}
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from cli.app import main
sys.exit(main())
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with `daybook`, a Makefile, and nothing running."""
    folder = tmp_path / "repository"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "daybook").write_text(DAYBOOK, "utf-8")
    (programs / "daybook").chmod(0o755)
    (folder / "Makefile").write_text("sql: install\n\t@true $(Q)\nstop:\n\t@true\n", "utf-8")
    return folder


@pytest.fixture
def plant(root: Path) -> Callable[[str], Page]:
    """Writes a text as README.md of the repository; `'''` stands for three backticks."""

    def write(text: str) -> Page:
        (root / "README.md").write_text(dedent(text).replace("'''", "```"), "utf-8")
        return read_page(root, "README.md")

    return write
