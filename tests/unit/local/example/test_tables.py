"""What `make run` prints fits a terminal of 80 columns, and a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from local.example import tables

COLUMNS = ("version", "type", "recorded_at")


def table(count: int, **console: object) -> list[str]:
    """The lines of a table of so many rows."""
    out = io.StringIO()
    rows = [[str(number), "BalanceWithdrawn", "2026-03-01T10:00:00.000Z"] for number in range(1, count + 1)]
    tables.print_table(Console(file=out, width=80, **console), COLUMNS, rows, right={"version"})  # type: ignore[arg-type]
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, ([], 0, [])),
        (6, ([0, 1, 2, 3, 4, 5], 0, [])),
        (7, ([0, 1, 2, 3, 4, 5, 6], 0, [])),
        (8, ([0, 1], 2, [4, 5, 6, 7])),
        (24, ([0, 1], 18, [20, 21, 22, 23])),
    ],
)
def test_the_middle_of_many_rows_is_left_out(count: int, shown: tuple[list[int], int, list[int]]) -> None:
    before, left_out, after = tables.folded(range(count))
    assert (list(before), left_out, list(after)) == shown


def test_a_folded_table_says_how_many_rows_it_leaves_out() -> None:
    heading, _, *rows = table(24)
    assert heading.split() == list(COLUMNS)
    assert [row.split()[0] for row in rows] == ["1", "2", "…", "21", "22", "23", "24"]
    assert rows[2].strip() == "… 18 rows …"
    assert {len(row) for row in rows if "Balance" in row} == {len("  version  BalanceWithdrawn  ") + 24}


def test_a_pipe_gets_neither_colours_nor_trailing_blanks() -> None:
    for line in table(24):
        assert line == line.rstrip()
        assert "\033" not in line


def test_no_colour_is_shown_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any("\033[3" in line for line in table(24, force_terminal=True))


def test_an_upright_table_breaks_what_is_too_long_below_itself() -> None:
    out = io.StringIO()
    tables.print_upright(Console(file=out, width=40), [["title", "word " * 20], ["status", "422"]])
    lines = out.getvalue().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40
    assert lines[1].startswith(" " * len("  status  ") + "word")
    assert lines[-1] == "  status  422"
