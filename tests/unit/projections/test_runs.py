"""Seeded runs."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lambdas.projections import folder, steps
from tests.support.projections.samples import SAMPLES
from tests.support.projections.world import Parts, World
from tests.support.runs import seeds

SEEDS = seeds(check=60, test=1_000, soak=50_000)


def play(seed: int, parts: Parts | None = None) -> Counter[str]:
    """One run; what happened in it."""
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
    print(happened)
