"""`daybook projections drop`: the generation beside the live one takes no more events, and its rows are deleted.

The control row comes first. What is deleted belongs to a generation that the row does not name: so a repeated drop also
removes what a projector wrote meanwhile, and what is left of generations that were dropped before. What was live once
is deleted when no process goes by an older control row any more: it would answer with half of a listing.
"""

from __future__ import annotations

from time import sleep

import msgspec

from cli.output import Outcome, counted
from cli.progress import Steps
from cli.projections.asking import ask
from cli.projections.leftovers import delete_leftovers, has_leftovers
from cli.projections.models import Model
from cli.projections.request import Request
from cli.projections.standing import Standing, standing_of
from lambdas.projections.control import Control
from lambdas.projections.reading.reader import FORGOTTEN_SECONDS


class Dropped(msgspec.Struct, frozen=True, tag_field="action", tag="drop"):
    """The generations that are left, the one that was dropped (0: none stood beside the live one), and deleted rows."""

    standing: Standing
    generation: int
    rows: int


def run(request: Request) -> Outcome:
    """Ask, change the control row, delete. Raises ControlChangedError, ReadModelUnavailableError, ClientError."""
    model = request.model
    before = model.control.read()
    dropped = beside(before)
    ask(request, _question(model, before, dropped))
    after = before.dropped() if dropped else before
    model.control.change(before, after)
    if dropped:
        when = "" if before.building else f"; its rows go in {FORGOTTEN_SECONDS:.0f} s, when nobody reads it any more"
        request.output.note(f"{model.name}: generation {dropped} takes no more events{when}")
        _stop(model, before)
    if _was_read(model, before):
        sleep(FORGOTTEN_SECONDS)  # Ctrl-C ends it, and nothing is deleted
    with Steps(f"Deleting rows of {model.name}; rows") as steps:
        rows = delete_leftovers(model, after, steps.advance)
    request.output.line(f"{model.name}: {_told(after, dropped)}, {counted(rows, 'row')} deleted")
    return Outcome(Dropped(standing_of(model.name, after), dropped, rows))


def _was_read(model: Model, before: Control) -> bool:
    """Whether somebody may still read what is deleted. What was being built was never read.

    Where nothing was dropped now, nobody knows when what is left was.
    """
    return bool(before.previous) or (not before.building and has_leftovers(model, before))


def _stop(model: Model, before: Control) -> None:
    """The rebuild of what was dropped: it would end by itself, as a failure that rings an alarm."""
    if before.building and before.building.state != "built":
        model.executions.stop(before.building.rebuild)


def beside(control: Control) -> int:
    """The generation that stands beside the live one, built, being built or kept; 0: none."""
    return control.building.generation if control.building else control.previous


def _question(model: Model, control: Control, dropped: int) -> str:
    if not dropped:
        return f"Delete what is left of earlier generations of {model.name}? Generation {control.live} stays."
    way = ""
    if control.building and control.building.state != "built":
        way = f" Its rebuild {control.building.rebuild} ends."
    elif not control.building:
        way = " There is no way back to it."
    stays = f" Generation {control.live} stays live." if control.live else " None is live."
    return f"Drop generation {dropped} of {model.name}?{way}{stays}"


def _told(after: Control, dropped: int) -> str:
    stays = f"generation {after.live} stays live" if after.live else "no generation is left"
    return f"generation {dropped} is dropped, {stays}" if dropped else f"nothing stood beside generation {after.live}"
