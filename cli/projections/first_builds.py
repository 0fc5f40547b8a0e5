"""Builds what has never been built, as the first deployment of an environment needs it: it is live at once."""

from __future__ import annotations

from cli.environments.place import Place
from cli.errors import CommandError
from cli.projections.failures import answered
from cli.projections.models import Model, Models
from cli.projections.request import command
from cli.projections.starting import plan, start
from cli.projections.watching import watch
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.projections.control import Building
from lambdas.projections.errors import RebuildRunningError
from stacks.environment import ENVIRONMENTS


def build_missing(place: Place, models: Models) -> list[str]:
    """Build every projection that has no live generation, all at the same time, and wait; gives their names.

    Nobody is asked. Repeating it goes on. Raises CommandError.
    """
    with answered(place):
        missing = [each for each in models.values() if not each.control.read().live]
        begun = [(each, building) for each in missing if (building := _begin_missing(place, each)) is not None]
        watch(begun, lambda _: None, again=command(place, "rebuild --all"))
    return [each.name for each in missing]


def _begin_missing(place: Place, model: Model) -> Building | None:
    """None: somebody else's rebuild has ended meanwhile."""
    try:
        return begin(place, model)
    except CommandError:
        if model.control.read().live:
            return None
        raise


def begin(place: Place, model: Model) -> Building:
    """Begin a rebuild, go on with one that has died, or take one that somebody else has begun. Raises CommandError."""
    with answered(place):
        try:
            planned = plan(model, ENVIRONMENTS[place.environment].rebuild_segments, utc_now())
        except RebuildRunningError:
            building = model.control.read().building
            if building is None:
                raise
            return building
        start(model, planned)
        return planned.building
