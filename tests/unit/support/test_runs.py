"""How much is tried: by profile, or as many runs as somebody asks for."""

from __future__ import annotations

import pytest

from tests.support.runs import RUNS_VARIABLE, SEED_VARIABLE, UnknownProfileError, examples, runs, seeds

NUMBERS = {"check": 2, "test": 3, "soak": 5}


@pytest.mark.parametrize(("asked", "number"), [("check", 2), ("test", 3), ("soak", 5), ("", 3), ("1", 1), ("700", 700)])
def test_a_profile_or_a_number_says_how_many(monkeypatch: pytest.MonkeyPatch, asked: str, number: int) -> None:
    monkeypatch.setenv(RUNS_VARIABLE, asked)
    monkeypatch.setenv(SEED_VARIABLE, "40")
    assert runs(**NUMBERS) == number
    assert list(seeds(**NUMBERS)) == list(range(40, 40 + number))


@pytest.mark.parametrize("asked", ["quick", "0", "-1", "1.5"])
def test_anything_else_is_named(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv(RUNS_VARIABLE, asked)
    with pytest.raises(UnknownProfileError, match=f"check, test, soak or a number of runs, not '{asked}'"):
        examples()


def test_seeds_begin_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    assert seeds(**NUMBERS)[0] == 1
