"""Which generation is live, built, or kept, and what an operator may do when: every move from every state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from lambdas.projections.control import Building, Control
from lambdas.projections.errors import ControlError, RebuildRunningError

AT = "2026-03-01T12:00:00.000Z"


def building(generation: int, state: Literal["walking", "settling", "built"], rebuild: str = "one") -> Building:
    return Building(generation=generation, rebuild=rebuild, segments=4, started_at=AT, state=state)


STATES = {
    "nothing": Control(),
    "first": Control(building=building(1, "walking"), newest=1),
    "live": Control(live=1, newest=1),
    "walking": Control(live=1, building=building(2, "walking"), newest=2),
    "settling": Control(live=1, building=building(2, "settling"), newest=2),
    "built": Control(live=1, building=building(2, "built"), newest=2),
    "kept": Control(live=2, previous=1, newest=2),
}
MOVES: dict[str, Callable[[Control], Control]] = {
    "start": lambda control: control.started("one", segments=4, at=AT),
    "take over": lambda control: control.taken_over("two"),
    "settle": lambda control: control.settling("one"),
    "build": lambda control: control.built("one"),
    "switch": Control.switched,
    "roll back": Control.rolled_back,
    "drop": Control.dropped,
}
ALLOWED = {
    ("nothing", "start"): STATES["first"],
    ("live", "start"): STATES["walking"],
    ("walking", "settle"): STATES["settling"],
    ("settling", "build"): STATES["built"],
    ("first", "build"): STATES["live"],
    ("built", "switch"): STATES["kept"],
    ("kept", "roll back"): Control(live=1, previous=2, newest=2),
    ("first", "drop"): Control(newest=1),
    ("walking", "drop"): Control(live=1, newest=2),
    ("settling", "drop"): Control(live=1, newest=2),
    ("built", "drop"): Control(live=1, newest=2),
    ("kept", "drop"): Control(live=2, newest=2),
    ("first", "take over"): Control(building=building(1, "walking", "two"), newest=1),
    ("walking", "take over"): Control(live=1, building=building(2, "walking", "two"), newest=2),
    ("settling", "take over"): Control(live=1, building=building(2, "settling", "two"), newest=2),
    ("first", "settle"): Control(building=building(1, "settling"), newest=1),
    ("settling", "settle"): STATES["settling"],
    ("walking", "build"): STATES["built"],  # whoever builds has settled: Rebuild.settle
}
RUNNING = {("first", "start"), ("walking", "start"), ("settling", "start")}
"""Refused by the name of the rebuild that runs."""


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", STATES)
def test_every_move_from_every_state(state: str, move: str) -> None:
    if (state, move) in ALLOWED:
        assert MOVES[move](STATES[state]) == ALLOWED[state, move]
    elif (state, move) in RUNNING:
        with pytest.raises(RebuildRunningError, match="one"):
            MOVES[move](STATES[state])
    else:
        with pytest.raises(ControlError) as refused:
            MOVES[move](STATES[state])
        assert not isinstance(refused.value, RebuildRunningError)


@pytest.mark.parametrize("state", ["first", "walking", "settling"])
@pytest.mark.parametrize("move", [Control.settling, Control.built])
def test_the_run_from_which_it_was_taken_over_moves_nothing(
    state: str, move: Callable[[Control, str], Control]
) -> None:
    with pytest.raises(RebuildRunningError, match="two"):
        move(STATES[state].taken_over("two"), "one")


def test_all_generations_take_events_the_live_one_first() -> None:
    assert {state: control.generations for state, control in STATES.items()} == {
        "nothing": (),
        "first": (1,),
        "live": (1,),
        "walking": (1, 2),
        "settling": (1, 2),
        "built": (1, 2),
        "kept": (2, 1),
    }
    assert [state for state, control in STATES.items() if control.walking] == ["first", "walking"]


def test_a_number_is_never_given_twice() -> None:
    """What a late function wrote for a generation that was dropped is never read."""
    dropped = STATES["walking"].dropped().started("one", segments=4, at=AT)
    assert (dropped.building.generation if dropped.building else 0, dropped.newest) == (3, 3)
