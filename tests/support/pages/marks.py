"""Whether every block says what it is, and every snippet of code where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Final

from tests.support.pages.page import Block, Page, Problem

SHELLS: Final = frozenset({"sh", "bash", "shell", "zsh", "console", "shell-session"})
QUOTED: Final = frozenset({"python", "js"})
MARKED: Final = frozenset({"sh local", "sh aws", "sh setup", "sql local", "sql aws"})

MARK_SHELL: Final = (
    "mark this block: `sh local` runs it on the local system, `sh aws` says that it needs an AWS account, "
    "`sh setup` that it installs, starts, stops or tests"
)
MARK_SQL: Final = "mark this block: `sql local` runs it on the local lake, `sql aws` says that it needs Athena in AWS"
MARK_CODE: Final = "write <!-- from docs/examples/NAME --> on the line before: code comes from tested files"
MARK_OTHER: Final = (
    "say what this block is: `text output` behind the block that shows it, else `text`, `json` or `sh …`"
)
STRAY: Final = (
    "`text output`, or `text output exit 1`, stands directly behind the block that shows it, "
    "which is marked `sh local` or `sql local`"
)


def misplaced(page: Page, root: Path) -> Iterator[Problem]:
    """Every block that is not marked, or whose text is not that of the file it is said to be from."""
    for block in page.blocks:
        sentence = _foreign(block, root) if block.language in QUOTED else _unmarked(block)
        if sentence:
            yield Problem(page.name, block.line, sentence)


def _unmarked(block: Block) -> str | None:
    if block.info in MARKED:
        return None
    if block.language in SHELLS:
        return MARK_SHELL
    if block.language == "sql":
        return MARK_SQL
    if block.info.startswith("text output"):
        return STRAY
    return None if block.info else MARK_OTHER


def _foreign(block: Block, root: Path) -> str | None:
    if block.source is None:
        return MARK_CODE
    path = root / block.source
    if not path.is_file():
        return f"there is no {block.source}"
    snippet = dedent(block.text).strip("\n").splitlines()
    lines = path.read_text("utf-8").splitlines()
    windows = (lines[start : start + len(snippet)] for start in range(len(lines) - len(snippet) + 1))
    if any(dedent("\n".join(window)).splitlines() == snippet for window in windows):
        return None
    return f"{block.source} does not have these lines: copy them from it again"
