"""How the generations of a projection stand, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from cli.output import counted
from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.projections.control import Control
from lambdas.projections.lag import Lag

State = Literal["not-built", "rebuilding", "built", "live"]

NONE: Final = "-"
"""Shown where there is no generation."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A projection's generations; 0 stands for none.

    `state`: `not-built` (none is live, none is under way), `rebuilding` (`rebuild` is its id), `built` (the building
    generation can be compared and switched to), or `live`.
    """

    name: str
    state: State
    live: int
    building: int
    previous: int
    rebuild: str = ""


def standing_of(name: str, control: Control) -> Standing:
    """What the control row says."""
    building = control.building
    state: State = "live" if control.live else "not-built"
    if building is not None:
        state = "built" if building.state == "built" else "rebuilding"
    return Standing(
        name=name,
        state=state,
        live=control.live,
        building=building.generation if building else 0,
        previous=control.previous,
        rebuild=building.rebuild if building and state == "rebuilding" else "",
    )


def generations(standing: Standing) -> list[str]:
    """The three generations as cells of a table."""
    return [str(each) if each else NONE for each in (standing.live, standing.building, standing.previous)]


def lag_text(lag: Lag | None) -> str:
    """`12 events, 3 s`; with a + if the measurement did not read all of them."""
    if lag is None:
        return "not measured yet"
    return f"{counted(lag.events, 'event')}{'+' if lag.more else ''}, {math.ceil(lag.seconds):,} s"


def age(lag: Lag, now: datetime) -> float:
    """Seconds since the measurement."""
    return max(0.0, (now - parse_timestamp(lag.measured_at)).total_seconds())


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns under their headings, two blanks apart."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (columns, *rows)
    ]
