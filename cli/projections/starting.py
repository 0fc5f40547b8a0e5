"""Begins a rebuild, or goes on with one that has died: first the control row, then the state machine."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

import msgspec

from cli.projections.models import Model
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.projections.control import Building, Control
from lambdas.projections.errors import ControlChangedError, RebuildRunningError

How = Literal["begun", "taken-over", "joined"]


class Start(msgspec.Struct, frozen=True):
    """What is to be done: the control row before and after, and how that is called.

    `begun`: with a new generation. `taken-over`: a run has died, and another goes on with it. `joined`: whoever changed
    the control row was killed before there was an execution, so that one is started.
    """

    before: Control
    after: Control
    how: How

    @property
    def building(self) -> Building:
        """The generation that is built, and by which rebuild."""
        assert self.after.building is not None  # noqa: S101 - each of the three has one
        return self.after.building


def plan(model: Model, segments: int, now: datetime) -> Start:
    """How to start; changes nothing.

    Raises RebuildRunningError, ControlError, ReadModelUnavailableError, ClientError.
    """
    before = model.control.read()
    building = before.building
    if building is None or building.state == "built":
        rebuild = rebuild_id(model.name, before.newest + 1, now)
        return Start(before, before.started(rebuild, segments=segments, at=format_timestamp(now)), "begun")
    execution = model.executions.find(building.rebuild)
    if execution is None:
        return Start(before, before, "joined")
    if execution.runs:
        raise RebuildRunningError(building.rebuild)
    rebuild = rebuild_id(model.name, building.generation, now)
    return Start(before, before.taken_over(rebuild), "taken-over")


def start(model: Model, planned: Start) -> None:
    """Do it. Killed between the two requests, the next `plan` joins.

    Raises RebuildRunningError with the name of another rebuild that was quicker, ControlChangedError, ClientError.
    """
    try:
        model.control.change(planned.before, planned.after)
    except ControlChangedError:
        now = model.control.read().building
        if now is not None and now.state != "built":
            raise RebuildRunningError(now.rebuild) from None
        raise
    model.executions.start(planned.building)


def rebuild_id(name: str, generation: int, now: datetime) -> str:
    """`account-summaries-2-20260301T093000Z-1a2b`: also the execution's name, which allows no underscore in ARNs."""
    return f"{name.replace('_', '-')}-{generation}-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
