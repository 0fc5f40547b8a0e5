"""The pages of this repository: every block is marked, every command exists, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.machine.layout import REPOSITORY
from tests.support.pages.files import all_pages, instructions, run_pages
from tests.support.pages.links import broken_links
from tests.support.pages.marks import misplaced
from tests.support.pages.page import read_page
from tests.support.pages.words import unknown_words

NOT_RUN_WITHOUT_AWS = {
    "README.md": 3,
    "docs/commands.md": 1,
    "docs/deploy.md": 23,
    "docs/operations.md": 7,
    "docs/projections.md": 1,
    "docs/proof.md": 2,
    "docs/reports.md": 2,
    "docs/restore.md": 4,
    "docs/runbook.md": 40,
}
"""How many blocks of a page need an AWS account, and so are run by nobody yet."""


@pytest.mark.parametrize("name", run_pages())
def test_every_block_says_what_it_is(name: str) -> None:
    problems = list(misplaced(read_page(REPOSITORY, name), REPOSITORY))
    assert not problems, "\n".join(map(str, problems))


def test_blocks_that_need_aws_are_counted() -> None:
    counts = {name: sum(block.needs_aws for block in read_page(REPOSITORY, name).blocks) for name in run_pages()}
    assert {name: count for name, count in counts.items() if count} == NOT_RUN_WITHOUT_AWS


@pytest.mark.parametrize("name", instructions())
def test_every_command_and_target_that_is_named_exists(name: str) -> None:
    problems = list(unknown_words(read_page(REPOSITORY, name), REPOSITORY))
    assert not problems, "\n".join(map(str, problems))


@pytest.mark.parametrize("name", all_pages())
def test_every_relative_link_leads_somewhere(name: str) -> None:
    problems = list(broken_links(read_page(REPOSITORY, name), REPOSITORY))
    assert not problems, "\n".join(map(str, problems))


@pytest.mark.parametrize("path", sorted((REPOSITORY / "docs" / "examples").glob("*.*")), ids=lambda path: path.name)
def test_every_example_is_run_by_a_test(path: Path) -> None:
    tests = (each.read_text("utf-8") for each in (REPOSITORY / "tests").rglob("*.py"))
    blocks = (block for page in run_pages() for block in read_page(REPOSITORY, page).blocks if block.info == "sh local")
    pattern = re.compile(rf"\b{re.escape(path.name)}\b" + rf"|\bexamples\.{path.stem}\b" * (path.suffix == ".py"))
    assert any(map(pattern.search, tests)) or any(pattern.search(block.text) for block in blocks)
