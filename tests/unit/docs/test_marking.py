"""Planted pages: what is not marked is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pages import marks
from tests.support.pages.links import broken_links
from tests.support.pages.page import Page, Shown

Plant = Callable[[str], Page]


def sentences(page: Page, root: Path) -> list[str]:
    return [problem.sentence for problem in marks.misplaced(page, root)]


def test_blocks_are_found_with_their_lines_and_their_output(plant: Plant) -> None:
    page = plant("""\
        # Title

        '''sh local
        echo 1
        '''
        '''text output
        1
        '''
        - in a list:
          '''sh  local
          false
          '''
          '''text output exit 1
          '''

        '''sh aws
        cdk deploy
        '''
        """)

    assert [(block.info, block.text, block.line, block.shown) for block in page.blocks] == [
        ("sh local", "echo 1\n", 3, Shown("1\n", 0)),
        ("sh local", "false\n", 10, Shown("", 1)),
        ("sh aws", "cdk deploy\n", 16, None),
    ]
    assert [block.is_run for block in page.blocks] == [True, True, False]
    assert [block.needs_aws for block in page.blocks] == [False, False, True]


@pytest.mark.parametrize(
    ("info", "sentence"),
    [
        ("sh", marks.MARK_SHELL),
        ("bash", marks.MARK_SHELL),
        ("console", marks.MARK_SHELL),
        ("sh lokal", marks.MARK_SHELL),
        ("bash local", marks.MARK_SHELL),
        ("sql", marks.MARK_SQL),
        ("python", marks.MARK_CODE),
        ("js", marks.MARK_CODE),
        ("", marks.MARK_OTHER),
        ("text output", marks.STRAY),
        ("text output exit one", marks.STRAY),
    ],
)
def test_an_unmarked_block_is_told_how_to_be_marked(info: str, sentence: str, plant: Plant, root: Path) -> None:
    page = plant(f"'''{info}\ndaybook verify\n'''\n")
    assert sentences(page, root) == [sentence]


def test_an_indented_block_is_not_marked(plant: Plant, root: Path) -> None:
    assert sentences(plant("text\n\n    daybook verify\n"), root) == [marks.MARK_OTHER]


@pytest.mark.parametrize("info", ["sh local", "sh aws", "sh setup", "sql local", "sql aws", "json", "text", "mermaid"])
def test_what_says_what_it_is_is_left_alone(info: str, plant: Plant, root: Path) -> None:
    assert sentences(plant(f"'''{info}\n1\n'''\n"), root) == []


@pytest.mark.parametrize("between", ["words\n\n", "'''text output\n'''\n", "'''json\n{}\n'''\n"])
def test_output_that_is_not_directly_behind_its_block_is_found(between: str, plant: Plant, root: Path) -> None:
    page = plant(f"'''sh local\necho 1\n'''\n{between}'''text output\n1\n'''\n")
    assert sentences(page, root) == [marks.STRAY]


@pytest.mark.parametrize("info", ["sh aws", "sh setup"])
def test_a_block_that_is_not_run_has_no_output(info: str, plant: Plant, root: Path) -> None:
    assert sentences(plant(f"'''{info}\nmake run\n'''\n'''text output\nruns\n'''\n"), root) == [marks.STRAY]


FROM = "<!-- from docs/examples/it.py -->\n"


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("class It:\n    def run(self):\n        return 1\n", []),
        ("def run(self):\n    return 1\n", []),  # less indented than in the file
        ("return 1\n", []),
        ("def run(self):\n    return 2\n", ["docs/examples/it.py does not have these lines: copy them from it again"]),
        ("class It:\n        return 1\n", ["docs/examples/it.py does not have these lines: copy them from it again"]),
        ("def run(self):\nreturn 1\n", ["docs/examples/it.py does not have these lines: copy them from it again"]),
    ],
)
def test_python_is_part_of_its_file(snippet: str, expected: list[str], plant: Plant, root: Path) -> None:
    (root / "docs" / "examples").mkdir(parents=True)
    (root / "docs" / "examples" / "it.py").write_text("class It:\n    def run(self):\n        return 1\n", "utf-8")
    assert sentences(plant(f"{FROM}'''python\n{snippet}'''\n"), root) == expected


def test_python_of_a_file_that_is_not_there_is_found(plant: Plant, root: Path) -> None:
    assert sentences(plant(f"{FROM}'''python\n1\n'''\n"), root) == ["there is no docs/examples/it.py"]


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("Makefile", False),
        ("#two-words-and-code", False),
        ("#again-1", False),
        ("README.md#again", False),
        ("https://example.test/nowhere", False),
        ("nowhere.md", True),
        ("#three-words", True),
        ("README.md#again-2", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link: str, is_broken: bool, plant: Plant, root: Path) -> None:
    page = plant(f"# Two words, and `code`!\n## Again\n## Again\n\n| a |\n|---|\n| [it]({link}) |\n")
    found = [problem.sentence for problem in broken_links(page, root)]
    assert [link in sentence for sentence in found] == [True] * is_broken
