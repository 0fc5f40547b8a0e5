"""Figures of the README that anybody can count are about right."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SENTENCE = re.compile(
    r"About ([\d,]+) lines run or deploy it: ([\d,]+) in `lambdas`, ([\d,]+) in `stacks` and `constructs_lib`, "
    r"([\d,]+) in `analytics`. Another ([\d,]+) are the `daybook` command and the local system, and ([\d,]+) are tests."
)
COUNTED = {".py", ".sql", ".vtl", ".html", ".css"}


def lines(*folders: str) -> int:
    """Lines of the sources in folders, as the README's block counts them."""
    files = (path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.suffix in COUNTED)
    return sum(path.read_bytes().count(b"\n") for path in files)


def test_the_code_is_as_much_as_the_readme_says() -> None:
    found = SENTENCE.search((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    assert found
    told = [int(each.replace(",", "")) for each in found.groups()]
    deployed = [lines("lambdas"), lines("stacks", "constructs_lib"), lines("analytics")]
    assert told == pytest.approx([sum(deployed), *deployed, lines("cli", "local", "deploy"), lines("tests")], rel=0.03)
