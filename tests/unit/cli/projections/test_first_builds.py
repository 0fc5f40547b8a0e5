"""Building what has never been built, as a deployment on one machine does it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from cli.environments.place import Place
from cli.projections.first_builds import begin, build_missing
from lambdas.projections.control import Control
from tests.unit.cli.projections.world import MACHINE, SUMMARIES, TOTALS, World

PLACE = Place("local", Path("environment.json"))


def test_all_that_are_missing_are_built_and_no_other(world: World) -> None:
    world.built(TOTALS, live=4)
    world.states.works = world.walk
    assert build_missing(PLACE, world.models) == [SUMMARIES]
    assert (world.control().live, world.control(TOTALS)) == (1, Control(live=4, newest=4))
    assert build_missing(PLACE, world.models) == []


def test_both_are_built_at_the_same_time(world: World) -> None:
    begun: list[int] = []

    def works(name: str) -> None:
        begun.append(len(world.states.inputs))
        world.walk(name)

    world.states.works = works
    assert build_missing(PLACE, world.models) == [SUMMARIES, TOTALS]
    assert begun == [2, 2]


@pytest.mark.parametrize("looks", [1, 2, 5])
@pytest.mark.parametrize("ended", [{}, {"status": "ABORTED"}])
def test_what_an_earlier_run_has_begun_is_waited_for_or_gone_on_with(
    world: World, ended: dict[str, str], looks: int
) -> None:
    """It may end while it is looked at."""
    asked = count(1)
    rebuild = "account-summaries-1-of-somebody"
    world.building(1, rebuild=rebuild, live=0)
    world.built(TOTALS)
    world.states.inputs[rebuild] = {"machine": MACHINE.format(prefix="AccountSummaries")}
    if ended:
        world.states.ended[rebuild] = ended
    world.states.works = lambda name: world.walk(name) if next(asked) == looks else None
    assert build_missing(PLACE, world.models) == [SUMMARIES]
    assert world.control().live == 1
    assert len(world.states.inputs) == (2 if ended else 1)


def test_a_rebuild_that_runs_is_joined(world: World) -> None:
    world.built()
    first = begin(PLACE, world.models[SUMMARIES])
    assert begin(PLACE, world.models[SUMMARIES]) == first
