"""Planted pages are run: what the page says, and what is not so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pages.page import Page, Problem
from tests.support.pages.running import checkout, environ_of, run_page

pytestmark = pytest.mark.programs

Plant = Callable[[str], Page]
Run = Callable[..., list[Problem]]


@pytest.fixture
def run(plant: Plant, root: Path, tmp_path: Path) -> Run:
    """Plants a page and runs it; gives what is wrong."""

    def planted(text: str, *, seconds: float = 30) -> list[Problem]:
        page = plant(text)
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "environment.json").write_text('{"api_url": "http://localhost:1"}', "utf-8")
        (tmp_path / "blocks").mkdir()
        folder = checkout(root, tmp_path / "state", tmp_path / "checkout")
        return list(run_page(page, folder, tmp_path / "blocks", seconds=seconds))

    return planted


def said(problems: list[Problem]) -> list[str]:
    return [f"{problem.line}: {problem.sentence}" for problem in problems]


def test_a_page_that_is_true_is_green(run: Run) -> None:
    page = """\
        '''sh local
        daybook --help
        '''
        '''text output
        Usage: daybook COMMAND [OPTIONS] …
        ...
          verify …
        ...
        '''
        '''sh aws
        exit 1
        '''
        '''sh setup
        exit 1
        '''
        """
    assert said(run(page)) == []


def test_a_command_that_was_renamed_is_red(run: Run) -> None:
    (problem,) = run("'''sh local\ndaybook verifyy\necho done\n'''\n")
    assert (problem.page, problem.line) == ("README.md", 1)
    assert problem.sentence == "exit status 2 of `daybook verifyy`, not 0"
    assert "No such command 'verifyy'" in problem.detail
    assert "done" in problem.detail


def test_a_wrong_output_is_red_and_shows_standard_error(run: Run) -> None:
    (problem,) = run("Text\n\n'''sh local\necho 1\necho hint >&2\n'''\n'''text output\n2\n'''\n")
    assert (problem.line, problem.sentence) == (3, "the output is another")
    assert problem.detail.splitlines() == ["not shown, or not here: 2", "    1", "hint"]


def test_an_output_that_is_not_shown_on_the_page_is_not_looked_at(run: Run) -> None:
    assert said(run("'''sh local\necho 1\n'''\n")) == []


def test_state_carries_over_on_a_page(run: Run) -> None:
    page = """\
        '''sh local
        NAME=world; greet() { echo "hello $1"; }; cd /
        '''
        words
        '''sh local
        greet $NAME; pwd; cat
        '''
        '''text output
        hello world
        /
        '''
        """
    assert said(run(page)) == []


def test_a_page_finds_the_given_system_and_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    page = """\
        '''sh local
        cat .local/environment.json; echo; cat "$DAYBOOK_LOCAL_DIR/environment.json"; echo; echo "none: $AWS_PROFILE"
        command -v daybook
        '''
        '''text output
        {"api_url": "http://localhost:1"}
        {"api_url": "http://localhost:1"}
        none:
        …/checkout/.venv/bin/daybook
        '''
        """
    assert said(run(page)) == []


def test_an_exit_status_that_the_page_tells_is_green_and_any_other_red(run: Run) -> None:
    page = """\
        '''sh local
        echo no; (exit 3)
        '''
        '''text output exit 3
        no
        '''
        '''sh local
        true
        '''
        '''text output exit 3
        '''
        '''sh local
        (exit 3)
        '''
        '''text output exit 1
        '''
        """
    assert said(run(page)) == [
        "7: exit status 0, not 3",
        "12: exit status 3 of `( exit 3 )`, not 1",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("false\ntrue\n", "false"),
        ("true\nX=$(false)\necho 1\n", "X=$(false)"),
        ("f() {\n  return 1\n}\nf\necho 1\n", "return 1"),
        ("echo 1 | false\necho 1\n", "false"),
    ],
)
def test_any_command_that_fails_fails_its_block(text: str, place: str, run: Run) -> None:
    assert said(run(f"'''sh local\n{text}'''\n")) == [f"1: exit status 1 of `{place}`, not 0"]


@pytest.mark.parametrize("text", ["if false; then :; fi", "false || true", "! false", "while false; do :; done"])
def test_a_condition_that_is_false_fails_nothing(text: str, run: Run) -> None:
    assert said(run(f"'''sh local\n{text}\n'''\n")) == []


def test_a_block_that_bash_cannot_read_is_red(run: Run) -> None:
    (problem,) = run("'''sh local\nif\n'''\n'''sh local\ntrue\n'''\n")
    assert problem.sentence.startswith("exit status")
    assert "syntax error" in problem.detail


@pytest.mark.parametrize("text", ["exit 0", "set -e; false"])
def test_a_block_that_ends_the_shell_is_red(text: str, run: Run) -> None:
    problems = run(f"'''sh local\necho before\n{text}\n'''\n'''sh local\nfalse\n'''\n")
    assert said(problems) == ["1: the block ended its shell, as by `exit` or `set -e`"]
    assert problems[0].detail == "before"


def test_a_block_that_does_not_end_is_red_and_ended(run: Run, tmp_path: Path) -> None:
    started = time.monotonic()
    problems = run(
        f"'''sh local\necho $BASHPID >{tmp_path}/pid; for _ in {{1..99}}; do echo before; done; sleep 60\n'''\n",
        seconds=0.5,
    )
    assert said(problems) == ["1: the block was not done after 0.5 seconds"]
    assert problems[0].detail.splitlines() == ["…", *["before"] * 30]
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_sql_goes_through_daybook(run: Run, root: Path) -> None:
    (root / ".venv" / "bin" / "daybook").write_text('#!/bin/sh\nprintf "%s|" "$@"\n', "utf-8")
    page = "'''sql local\nSELECT 'x', \"$y\"\nFROM z\n'''\n'''text output\nsql|SELECT 'x', \"$y\"\nFROM z|\n'''\n"
    assert said(run(page)) == []


def test_the_environment_of_a_page_is_a_new_terminals(tmp_path: Path) -> None:
    given = {"PATH": "/usr/bin", "HOME": "/home/me", "AWS_ACCESS_KEY_ID": "x", "COLUMNS": "30", "PYTHONPATH": "/tmp"}
    assert environ_of(tmp_path, given) == {
        "PATH": f"{tmp_path}/.venv/bin:/usr/bin",
        "HOME": "/home/me",
        "LC_ALL": "C.UTF-8",
        "DAYBOOK_LOCAL_DIR": f"{tmp_path}/.local",
    }
