"""The first words of `make run`."""

import subprocess
import sys

from local.example.introduction import TEXT
from local.machine.layout import REPOSITORY


def test_it_explains_event_version_and_snapshot_in_one_paragraph_of_a_terminals_width() -> None:
    for word in ("*event*", "*version*", "*snapshot*"):
        assert TEXT.count(word) == 1
    lines = TEXT.splitlines()
    assert len(lines) <= 8
    assert all(line and len(line) <= 80 for line in lines)


def test_it_needs_nothing_that_is_not_installed() -> None:
    command = [sys.executable, "-S", "-m", "local.example.introduction"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == f"\n{TEXT}\n"


def test_make_run_begins_with_it_before_anything_is_installed() -> None:
    command = ["make", "--dry-run", "--no-print-directory", "run", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=True)
    steps = [line.split(" -m ")[1] for line in done.stdout.splitlines() if " -m " in line]
    assert steps == ["local.example.introduction", "local.setup.install", "local run"]


def test_the_readme_begins_with_it_too() -> None:
    paragraph = (REPOSITORY / "README.md").read_text(encoding="utf-8").split("\n\n")[1]
    assert " ".join(paragraph.split()).startswith(" ".join(TEXT.split()))
