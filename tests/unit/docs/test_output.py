"""What is shown against what a page says is shown."""

from __future__ import annotations

import pytest

from tests.support.pages.output import difference


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ("", ""),
        ("1\n2\n", "1\n2\n"),
        ("HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\n"),
        ("a  \n", "\na\n\n"),
        ("...\n", ""),
        ("1\n...\n4\n", "1\n4\n"),
        ("1\n...\n4\n", "1\n2\n3\n4\n"),
        ("...\n4\n...\n", "1\n4\n5\n"),
        ('{"id":"…","n":1}\n', '{"id":"0b8f","n":1}\n'),
        ("…\n", "anything\n"),
        ("a…\n", "a\n"),
        ("1 + 1 = (2)\n", "1 + 1 = (2)\n"),
    ],
)
def test_what_fits(expected: str, shown: str) -> None:
    assert difference(expected, shown) is None


@pytest.mark.parametrize(
    ("expected", "shown", "said"),
    [
        ("1\n2\n", "1\n3\n", "not shown, or not here: 2"),
        ("1\n", "", "not shown, or not here: 1"),
        ("", "1\n", "more is shown than the page says"),
        ("1\n", "1\n2\n", "more is shown than the page says"),
        ("...\n4\n", "4\n5\n", "more is shown than the page says"),
        ("1\n...\n4\n", "1\n2\n", "not shown, or not here: 4"),
        ("1\n...\n1\n", "1\n", "not shown, or not here: 1"),
        ('{"id":"…","n":1}\n', '{"id":"0b8f","n":2}\n', 'not shown, or not here: {"id":"…","n":1}'),
        ("…\n", "1\n2\n", "more is shown than the page says"),
        ("a ... b\n", "a c b\n", "not shown, or not here: a ... b"),
        ("1\n\n2\n", "1\n2\n", "not shown, or not here: (a blank line)"),
        (".\n", "x\n", "not shown, or not here: ."),
    ],
)
def test_what_does_not_fit(expected: str, shown: str, said: str) -> None:
    found = difference(expected, shown)
    assert found is not None
    assert found.splitlines()[0] == said
    assert [line.strip() for line in shown.splitlines() or ["(nothing)"]] == [
        line.strip() for line in found.splitlines()[1:]
    ]
