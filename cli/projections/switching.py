"""`daybook projections switch` and `rollback`: another generation is read, by one conditional put."""

from __future__ import annotations

import msgspec

from cli.output import Outcome
from cli.projections.request import Request
from cli.projections.standing import Standing, standing_of
from lambdas.projections.reading.reader import KEPT_SECONDS


class Switched(msgspec.Struct, frozen=True, tag_field="action", tag="switch"):
    """The generations after a switch or a rollback."""

    standing: Standing


def run(request: Request) -> Outcome:
    """Change which generation is live. Raises ControlError, ControlChangedError, ReadModelUnavailableError."""
    model = request.model
    before = model.control.read()
    after = before.switched() if request.action == "switch" else before.rolled_back()
    model.control.change(before, after)
    kept = f", and generation {after.previous} is kept" if after.previous else ""
    say = request.output.line
    say(f"{model.name}: generation {after.live} is live{kept}. Readers see it within {KEPT_SECONDS:.0f} s.")
    if after.previous:
        say(f"back:    {request.command(f'rollback {model.name}')}")
        say(f"or drop: {request.command(f'drop {model.name}')}")
    return Outcome(Switched(standing_of(model.name, after)))
