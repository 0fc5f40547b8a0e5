"""Watches a rebuild until it has ended: the control row says that it is done, the segments' rows how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from cli.errors import CommandError
from cli.output import counted
from cli.projections.models import Model
from lambdas.projections.control import Building, Control

POLL_SECONDS: Final = 1.0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rebuild is. Units are capacity units, summed over all of its runs."""

    name: str
    generation: int
    rebuild: str
    state: str
    segments: int
    segments_done: int
    events: int
    read_units: float
    write_units: float


class RebuildFailedError(CommandError):
    """A rebuild has ended before it was built."""


def progress_of(model: Model, building: Building) -> Progress:
    """How far it is now. Raises ReadModelUnavailableError."""
    begun = model.segments.all(building.generation)
    return Progress(
        name=model.name,
        generation=building.generation,
        rebuild=building.rebuild,
        state=building.state,
        segments=building.segments,
        segments_done=sum(each.done for each in begun),
        events=sum(each.rows for each in begun),
        read_units=sum(each.read_units for each in begun),
        write_units=sum(each.write_units for each in begun),
    )


def progress_text(progress: Progress) -> str:
    """How far it is, in a few words."""
    segments = f"{progress.segments_done} of {counted(progress.segments, 'segment')}"
    return f"{progress.state}, {segments}, {counted(progress.events, 'event')} ({progress.rebuild})"


def watch(
    rebuilds: Sequence[tuple[Model, Building]],
    shown: Callable[[Sequence[Progress]], None],
    *,
    again: str,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Progress]:
    """Wait until all of them are built; `shown` gets how far they are, again and again. Gives that at the end.

    Raises RebuildFailedError, whose sentence ends in the line `again`; ReadModelUnavailableError, ClientError.
    """
    while True:
        states = [_look(model, building, again) for model, building in rebuilds]
        found = [progress_of(model, building) for (model, _), building in zip(rebuilds, states, strict=True)]
        shown(found)
        if all(each.state == "built" for each in states):
            return found
        sleep(POLL_SECONDS)


def _look(model: Model, ours: Building, again: str) -> Building:
    """Our rebuild as it stands now. The execution is asked first: it ends after the row says that all is built."""
    execution = model.executions.find(ours.rebuild)
    control = model.control.read()
    found = _of(control, ours)
    if found.state != "built" and execution is not None and not execution.runs:
        cause = f": {execution.cause}" if execution.cause else ""
        raise RebuildFailedError(
            f"The rebuild {ours.rebuild} has ended as {execution.status}{cause}. "
            f"Nothing of what it did is lost: `{again}` goes on with it."
        )
    return found


def _of(control: Control, ours: Building) -> Building:
    building = control.building
    if building is not None and building.generation == ours.generation:
        if building.rebuild != ours.rebuild:
            raise RebuildFailedError(f"The rebuild {building.rebuild} has taken over generation {ours.generation}.")
        return building
    if ours.generation in (control.live, control.previous):
        return msgspec.structs.replace(ours, state="built")
    raise RebuildFailedError(f"Generation {ours.generation} was dropped while it was built.")
