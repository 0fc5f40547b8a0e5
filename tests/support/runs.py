"""How much seeded and generated tests do, in one place: DAYBOOK_TEST_RUNS, and DAYBOOK_TEST_SEED for the first seed.

DAYBOOK_TEST_RUNS is a profile (`check`, `test` or `soak`; `test` if unset) or a number of runs. One run repeats what a
failure names: DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1.
"""

from __future__ import annotations

import os

RUNS_VARIABLE = "DAYBOOK_TEST_RUNS"
SEED_VARIABLE = "DAYBOOK_TEST_SEED"
PROFILES = ("check", "test", "soak")
EXAMPLES = {"check": 50, "test": 100, "soak": 2_000}
"""Examples of a Hypothesis test that names no number of its own, by profile."""


class UnknownProfileError(ValueError):
    """DAYBOOK_TEST_RUNS is neither a profile nor a number of runs."""


def chosen() -> str | int:
    """The profile of this session, or the number of runs that is asked for. Raises UnknownProfileError."""
    asked = os.environ.get(RUNS_VARIABLE) or "test"
    if asked in PROFILES:
        return asked
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    raise UnknownProfileError(f"{RUNS_VARIABLE} is one of {', '.join(PROFILES)} or a number of runs, not {asked!r}")


def runs(*, check: int, test: int, soak: int) -> int:
    """How many runs or examples a test makes in this session, out of what it wants in each profile."""
    asked = chosen()
    return asked if isinstance(asked, int) else {"check": check, "test": test, "soak": soak}[asked]


def first_seed() -> int:
    """The first seed of seeded runs; 1 unless the environment says another."""
    return int(os.environ.get(SEED_VARIABLE) or "1")


def seeds(*, check: int, test: int, soak: int) -> range:
    """The seeds of as many runs as `runs` says."""
    first = first_seed()
    return range(first, first + runs(check=check, test=test, soak=soak))


def examples() -> int:
    """How many examples a Hypothesis test makes that names no number of its own."""
    return runs(**EXAMPLES)
