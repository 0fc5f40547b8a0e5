"""The world of the seeded runs, with what happens chosen by Hypothesis, which finds a short way to a fault."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from lambdas.projections.folding import folder, steps
from tests.support.projections.containers import Container, Parts
from tests.support.projections.mutants import UnconditionalReadModel
from tests.support.projections.samples import SAMPLES, Sample
from tests.support.projections.world import World
from tests.support.runs import runs

SEEDS = st.integers(0, 2**32 - 1)
"""What else is chosen in a step: accounts, sizes, faults, and who interrupts."""


class ReadModelMachine(RuleBasedStateMachine):
    """Projectors, a rebuild and operators; every write is judged at once, and what rests at the end."""

    parts = Parts()

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self._world: World | None = None

    @initialize(seed=SEEDS, sample=st.sampled_from(SAMPLES), low=st.booleans())
    def begin(self, seed: int, sample: Sample, low: bool) -> None:
        if low:
            self._patch.setattr(folder, "MOST_FILLED_GAP", 1)
            self._patch.setattr(steps, "STEP_EVENTS", 2)
            self._patch.setattr(steps, "MOST_SHARED_ROWS", 3)
        self._world = World(random.Random(seed), sample, self.parts)
        if not self._world.trouble:
            self._act(seed, World.start_rebuild)

    @rule(seed=SEEDS)
    def record(self, seed: int) -> None:
        self._act(seed, World.record)

    @rule(seed=SEEDS)
    def deliver(self, seed: int) -> None:
        self._act(seed, World.deliver)

    @rule(seed=SEEDS, times=st.integers(1, 6))
    def walk(self, seed: int, times: int) -> None:
        for number in range(times):
            self._act(seed + number, World.walk)

    @rule(seed=SEEDS, action=st.sampled_from([World.start_rebuild, World.take_over, World.drop]))
    def rebuild(self, seed: int, action: Callable[[World, Container], None]) -> None:
        self._act(seed, action)

    @rule(seed=SEEDS, action=st.sampled_from([World.switch, World.roll_back]))
    def choose_live(self, seed: int, action: Callable[[World, Container], None]) -> None:
        self._act(seed, action)

    @rule(seed=SEEDS, action=st.sampled_from([World.restore, World.announce, World.rewrite]))
    def restore(self, seed: int, action: Callable[[World, Container], None]) -> None:
        self._act(seed, action)

    @rule(seed=SEEDS, action=st.sampled_from([World.retry, World.rewind]))
    def repeat(self, seed: int, action: Callable[[World, Container], None]) -> None:
        self._act(seed, action)

    def _act(self, seed: int, action: Callable[[World, Container], None]) -> None:
        world = self._world
        assert world is not None
        world.rng.seed(seed)
        world.act(lambda container: action(world, container))

    def teardown(self) -> None:
        try:
            if self._world is not None:
                self._world.rest()
        finally:
            self._patch.undo()


class UnconditionalMachine(ReadModelMachine):
    """With a read model that writes whatever the row is."""

    parts = Parts(rows=UnconditionalReadModel)


@pytest.mark.generated
def test_the_read_model_is_a_fold_at_every_moment() -> None:
    chosen = settings(max_examples=runs(check=10, test=200, soak=5_000), stateful_step_count=40)
    run_state_machine_as_test(ReadModelMachine, settings=chosen)


def test_the_model_finds_a_condition_that_is_dropped() -> None:
    """As it comes: shortening the way to it would take minutes."""
    chosen = settings(
        max_examples=300,
        stateful_step_count=30,
        derandomize=True,
        database=None,
        print_blob=False,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(UnconditionalMachine, settings=chosen)
