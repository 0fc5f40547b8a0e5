"""The evaluation that tests rely on, against the user guide's own tables."""

from __future__ import annotations

import pytest

from tests.support.alarm_evaluation import Series, evaluated, state

WORDS = {"ALARM": "ALARM", "OK": "OK", "Insufficient": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("points", "missing", "breaching", "not_breaching"),
    [
        ("0 - X - X", "OK", "OK", "OK"),
        ("0 - - - -", "OK", "OK", "OK"),
        ("- - - - -", "Insufficient", "ALARM", "OK"),
        ("0 X X - X", "ALARM", "ALARM", "ALARM"),
        ("- - - - X", "Insufficient", "ALARM", "OK"),
        ("X - - - -", "ALARM", "ALARM", "OK"),
    ],
)
def test_the_table_of_three_data_points(points: str, missing: str, breaching: str, not_breaching: str) -> None:
    known = {"0": False, "X": True, "-": None}
    found = [known[each] for each in points.split()]
    for treatment, expected in (("missing", missing), ("breaching", breaching), ("notBreaching", not_breaching)):
        assert state(found, periods=3, missing=treatment) == WORDS[expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("one > two", {0: 1, 1: 1, 2: 0, 3: 0}),
        ("two > one", {0: 0, 1: 0, 2: 1, 3: 0}),
        ("(one > 0) > (two > 0)", {0: 0, 1: 1, 2: 0, 3: 0}),
        ("one + two", {0: 50, 1: 20, 2: 20, 3: 0}),
        ("two > 15", {0: 1, 2: 1}),
        ("none > 15", {}),
    ],
)
def test_a_missing_value_is_nothing_beside_another_series_and_a_gap_beside_a_number(
    expression: str, expected: dict[int, float]
) -> None:
    """The series are those of the guide's own example."""
    one, two = Series({0: 30, 1: 20, 2: 0, 3: 0}), Series({0: 20, 2: 20})
    assert evaluated(expression, {"one": one, "two": two, "none": Series({})}).values == expected
