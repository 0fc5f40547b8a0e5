"""Which pages there are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from local.machine.layout import REPOSITORY

GENERATED: Final = "docs/cli.md"


def run_pages(root: Path = REPOSITORY) -> list[str]:
    """The pages whose blocks are marked and run: the README and docs/*.md, without decisions and what is generated."""
    return [
        "README.md",
        *(name for path in sorted(root.glob("docs/*.md")) if (name := f"docs/{path.name}") != GENERATED),
    ]


def instructions(root: Path = REPOSITORY) -> list[str]:
    """The pages that tell somebody what to type: without history, which names what there was."""
    return sorted({*(path.name for path in root.glob("*.md")), *run_pages(root), GENERATED} - {"CHANGELOG.md"})


def all_pages(root: Path = REPOSITORY) -> list[str]:
    """Every page of Markdown that is written here."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob(".github/**/*.md")]
    return sorted(path.relative_to(root).as_posix() for path in found)
