"""Thousands of seeded runs of projectors, rebuilds and operators in a world where everything fails.

At every moment each account's row is the fold of a prefix, and shared rows are what these prefixes add: so no event
counts twice. At rest every generation is the fold of all events; and whatever happened before, a generation that is
built then is the fold of the event table.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lambdas.projections.folding import folder, steps
from tests.support.projections.containers import Parts
from tests.support.projections.mutants import MUTANTS, Plant
from tests.support.projections.samples import SAMPLES
from tests.support.projections.world import World
from tests.support.runs import seeds

SEEDS = seeds(check=40, test=600, soak=20_000)
ENOUGH = 300
"""In so many runs everything happens that can."""
HAPPENINGS = {
    *("written", "meanwhile", "crashed", "failed", "waited", "rewound", "deferred", "stopped", "stopped for good"),
    *("replayed", "lost", "answer lost", "crash before", "crash after", "restored", "rewritten"),
    *("rebuilds", "refused by name", "taken over", "run ended", "switched", "rolled back", "dropped"),
}


def play(seed: int, parts: Parts | None = None) -> Counter[str]:
    """One run; what happened in it. Limits are low, so that small histories pass them."""
    rng = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "MOST_FILLED_GAP", rng.choice((1, 3, 500)))
        patch.setattr(steps, "STEP_EVENTS", rng.choice((1, 3, 500)))
        patch.setattr(steps, "MOST_SHARED_ROWS", rng.choice((3, 5, 90)))
        world = World(rng, rng.choice(SAMPLES), parts)
        try:
            for _ in range(rng.choice((20, 60, 200))):
                world.act()
            world.rest()
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    return world.counted


@pytest.mark.thousands
def test_seeded_runs() -> None:
    """Repeat the run that the failure names with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1."""
    happened: Counter[str] = Counter()
    for seed in SEEDS:
        happened += play(seed)
    if len(SEEDS) >= ENOUGH:
        assert happened.keys() == HAPPENINGS


@pytest.mark.parametrize("plant", MUTANTS.values(), ids=MUTANTS)
def test_the_runs_find_what_is_wrong(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = plant(monkeypatch)
    with pytest.raises(AssertionError) as failure:  # noqa: PT012 - one of the runs fails
        for seed in range(1, 151):
            play(seed, parts)
    assert failure.value.__notes__[0].startswith("seed ")
