"""Planted pages: a command, an option or a target that is not there is found, wherever a page names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pages.commands import commands
from tests.support.pages.page import Page
from tests.support.pages.words import unknown_words

Plant = Callable[[str], Page]
ACCOUNT = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"


def sentences(page: Page, root: Path) -> list[str]:
    return [problem.sentence for problem in unknown_words(page, root)]


def test_commands_are_told_apart() -> None:
    text = """\
    make sql     # that's a comment; really
    X=1 Y="a b" daybook sql 'SELECT 1; -- no end' --csv >out 2>&1 <in
    until daybook sql | grep -q 1; do sleep 1; done; if ! daybook verify; then exec daybook report; fi
    ID=$(daybook one | sed 's/a/b/') && daybook \\
        two "$(daybook three)" || daybook four; daybook five 2>/dev/null &
    """
    assert list(commands(text)) == [
        ["make", "sql"],
        ["daybook", "sql", "SELECT 1; -- no end", "--csv"],
        ["daybook", "sql"],
        ["grep", "-q", "1"],
        ["sleep", "1"],
        ["done"],
        ["daybook", "verify"],
        ["daybook", "report"],
        ["fi"],
        ["daybook", "one"],
        ["sed", "s/a/b/"],
        ["daybook", "two", "$(daybook three)"],
        ["daybook", "three"],
        ["daybook", "four"],
        ["daybook", "five"],
    ]


@pytest.mark.parametrize(
    "line",
    [
        f"daybook verify {ACCOUNT}",
        'daybook verify --event-table NAME --region REGION ACCOUNT_ID "$ID"',
        "daybook sql --env prod 'SELECT count(*) FROM domain_events'",
        "daybook sql --name daily_report -p day=2026-11-22 --csv",
        "daybook reconcile --env prod --from 2026-11-01 --json > found.json",
        'daybook reconcile --from "$DAY" --to DAY --settle MINUTES',
        ".venv/bin/daybook redrive --command ACCOUNT_ID CALLER/KEY --env prod",
        "daybook redrive --pending-before 2026-03-01T09:30:00Z --env prod",
        "daybook --help",
        "daybook sql --help",
        "make sql Q='SELECT 1'",
        "make -s stop",
        "make",
        "make TARGET",
    ],
)
@pytest.mark.parametrize("mark", ["sh aws", "sh setup"])
def test_lines_that_the_application_takes(line: str, mark: str, plant: Plant, root: Path) -> None:
    assert sentences(plant(f"'''{mark}\n{line}\n'''\nAnd `{line}`.\n"), root) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("daybook verifyy ACCOUNT_ID", "daybook has no command verifyy"),
        ("daybook verify --tabel NAME ACCOUNT_ID", "No such option: --tabel"),
        ("daybook trace", "Missing argument 'CORRELATION_ID"),
        ("daybook verify not-an-id", "'not-an-id' is not a UUID"),
        ("daybook redrive --parked aws/lambda/", "unexpected extra argument"),
        ("daybook sql --env prd 'SELECT 1'", "'prd' is not an environment"),
        ("daybook reconcile --from yesterday", "'yesterday' is not a day"),
        ("daybook --verbose", "daybook has no option --verbose"),
        ("daybook sql --help --plain", "daybook sql has no option --plain"),
        ("true && FORCE=1 .venv/bin/daybook nope", "daybook has no command nope"),
        ("until daybook nope | grep -q 1; do sleep 1; done", "daybook has no command nope"),
        ("if ! daybook nope; then true; fi", "daybook has no command nope"),
        ('echo "it is $(daybook nope)"', "daybook has no command nope"),
        ("daybook sql --csv 'SELECT 1' | xargs daybook nope", "daybook has no command nope"),
        ("cat <<END\nit's\nEND", "cannot be told apart"),
        ("make start", "the Makefile has no target start"),
        ("make sql QUERY='SELECT 1'", "the Makefile has no variable QUERY"),
        ("daybook verify 'ACCOUNT_ID", "bash cannot read this"),
    ],
)
@pytest.mark.parametrize("mark", ["sh local", "sh aws", "sh setup"])
def test_a_line_that_the_application_refuses_is_found(
    line: str, sentence: str, mark: str, plant: Plant, root: Path
) -> None:
    (found,) = sentences(plant(f"'''{mark}\n{line}\n'''\n"), root)
    assert sentence in found


@pytest.mark.parametrize(
    ("mention", "sentence"),
    [
        ("daybook verifyy", "daybook has no command verifyy"),
        ("daybook redrive --failed DAY", "daybook redrive has no option --failed"),
        ("redrive --failed DAY", "daybook redrive has no option --failed"),
        ("make begin", "the Makefile has no target begin"),
    ],
)
@pytest.mark.parametrize("text", ["It is `{}`.", "| a |\n|---|\n| `{}` |", "# `{}`", "- **`{}`** so"])
def test_something_in_backticks_that_is_not_there_is_found(
    mention: str, sentence: str, text: str, plant: Plant, root: Path
) -> None:
    assert sentences(plant(f"{text.format(mention)}\n"), root) == [sentence]


@pytest.mark.parametrize("mention", ["daybook", "daybook sql", "daybook COMMAND --help", "redrive", "make", "verify"])
def test_a_mention_need_not_be_whole(mention: str, plant: Plant, root: Path) -> None:
    assert sentences(plant(f"It is `{mention}`.\n"), root) == []


def test_what_other_tests_share_is_not_stopped_by_a_page(plant: Plant, root: Path) -> None:
    page = plant("'''sh local\nmake sql\nmake stop\n'''\n'''sh setup\nmake stop\n'''\n")
    assert sentences(page, root) == ["`make stop` is no part of `sh local`: `sh setup`"]
