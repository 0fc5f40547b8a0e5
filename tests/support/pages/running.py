"""Runs a page's blocks on a running local system."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from local.machine.layout import STATE_VARIABLE
from tests.support.pages.output import difference
from tests.support.pages.page import Block, Page, Problem
from tests.support.pages.shell import SECONDS, Ran, Shell, ShellEndedError

NOT_SHARED: Final = frozenset({".git", ".local"})
LINES: Final = 30
"""So many lines are shown of what a block showed before it failed."""

KEPT: Final = ("HOME", "LANG", "TMPDIR", "PATH")
"""Of the environment of the tests: nothing that leads to an AWS account, or to the tests' own settings."""


def checkout(repository: Path, state: Path, folder: Path) -> Path:
    """A folder that looks like the repository, and whose `.local` is the given state of a local system.

    So a page's `.local/environment.json` means that system, and whatever `make run` keeps beside it is left alone.
    """
    folder.mkdir()
    for entry in repository.iterdir():
        if entry.name not in NOT_SHARED:
            (folder / entry.name).symlink_to(entry)
    (folder / ".local").symlink_to(state)
    return folder


def environ_of(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a page's shell: a new terminal's in that folder, the virtual environment activated."""
    kept = {name: environ[name] for name in KEPT if name in environ}
    return {
        **kept,
        "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "LC_ALL": "C.UTF-8",
        STATE_VARIABLE: str(folder / ".local"),
    }


def run_page(page: Page, folder: Path, scratch: Path, *, seconds: float = SECONDS) -> Iterator[Problem]:
    """Run all blocks that are marked for it, in order; gives what is wrong. `scratch` is an empty folder."""
    with Shell(folder, scratch, environ_of(folder), seconds=seconds) as shell:
        for block in page.blocks:
            if not block.is_run:
                continue
            text = block.text if block.language == "sh" else shlex.join(["daybook", "sql", block.text.strip()])
            try:
                sentence = _differs(block, shell.run(text))
            except ShellEndedError as ended:
                yield Problem(page.name, block.line, str(ended), _end(ended.shown))
                return
            if sentence:
                yield Problem(page.name, block.line, *sentence)


def _differs(block: Block, ran: Ran) -> tuple[str, str] | None:
    """What is wrong, and what was seen; None if nothing is."""
    shown = block.shown
    expected = 0 if shown is None else shown.exit_status
    if ran.exit_status != expected:
        of = f" of `{ran.failed}`" if ran.failed else ""
        return f"exit status {ran.exit_status}{of}, not {expected}", _end(f"{ran.output}{ran.errors}")
    if shown is not None and (diff := difference(shown.text, ran.output)) is not None:
        return "the output is another", f"{diff}\n{ran.errors}".rstrip()
    return None


def _end(text: str) -> str:
    """The last lines of what may be many."""
    lines = text.rstrip().splitlines()
    return "\n".join(lines if len(lines) <= LINES else ["…", *lines[-LINES:]])
