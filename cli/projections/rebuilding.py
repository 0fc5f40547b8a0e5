"""`daybook projections rebuild`: fills a new generation beside the live one, and shows how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

from cli.errors import ExitStatus
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.projections.asking import ask
from cli.projections.estimating import Cost, cost_of, cost_text
from cli.projections.models import Model
from cli.projections.request import Request
from cli.projections.starting import How, Start, plan, start
from cli.projections.watching import Progress, progress_of, watch
from lambdas.eventsourcing.timestamps import utc_now
from stacks.environment import ENVIRONMENTS

BEGUN: Final = {
    "begun": "the rebuild {rebuild} of generation {generation} has begun",
    "taken-over": "the rebuild {rebuild} goes on with generation {generation}, where another has died",
    "joined": "the rebuild {rebuild} of generation {generation} had been begun and not started: it is now",
}


MOST_STOPPED: Final = 1_000
"""Accounts that are counted: each costs a read."""


class Rebuild(msgspec.Struct, frozen=True, kw_only=True):
    """One projection's rebuild: how it began, what it was estimated to take, and how far it is."""

    how: How
    cost: Cost
    progress: Progress


class Rebuilt(msgspec.Struct, frozen=True, tag_field="action", tag="rebuild"):
    """All that were started. The state of each is `built`, unless the command did not wait for it."""

    rebuilds: list[Rebuild]


class Planned(msgspec.Struct, frozen=True):
    """A rebuild that may be started."""

    model: Model
    start: Start
    cost: Cost


def run(request: Request) -> Outcome:
    """Estimate, ask on AWS, start, and wait. Raises RebuildFailedError and what `plan` and `start` raise."""
    segments = ENVIRONMENTS[request.place.environment].rebuild_segments
    event_table = request.place.ledger().event_table
    starts = [(each, plan(each, segments, utc_now())) for each in request.chosen]
    planned = [Planned(model, begin, cost_of(model, event_table, begin.building.segments)) for model, begin in starts]
    for each in planned:
        request.output.note(f"{each.model.name}: {cost_text(each.cost)}")
    if not request.place.is_local:
        ask(request, f"Rebuild {' and '.join(each.model.name for each in planned)} in {request.place.environment}?")
    for each in planned:
        start(each.model, each.start)
        building = each.start.building
        begun = BEGUN[each.start.how].format(rebuild=building.rebuild, generation=building.generation)
        request.output.note(f"{each.model.name}: {begun}")
    return _wait(request, planned) if request.wait else _left(request, planned)


def _wait(request: Request, planned: Sequence[Planned]) -> Outcome:
    """Ctrl-C ends the watching, not the rebuild."""
    names = ", ".join(each.model.name for each in planned)
    total = sum(each.cost.rows for each in planned)
    try:
        with Steps(f"Rebuilding {names}; events", total or None, rate=True) as steps:
            ended = watch(
                [(each.model, each.start.building) for each in planned],
                lambda found: steps.reach(sum(each.events for each in found)),
                again=request.command(f"rebuild {_words(request)}"),
            )
    except KeyboardInterrupt:
        return _left(request, planned, ExitStatus.INTERRUPTED)
    found = []
    for each in ended:
        model = request.models[each.name]
        for line in _built(request, model, each):
            request.output.line(line)
        if stopped := sum(1 for _ in islice(model.stopped(each.generation), MOST_STOPPED)):
            found.append(f"{counted(stopped, 'account')} stopped in generation {each.generation} of {each.name}.")
            request.output.line(f"  {found[-1]} `{request.command(f'status {each.name}')}` says why.")
    return Outcome(_rebuilt(planned, ended), ExitStatus.FINDING if found else ExitStatus.OK, " ".join(found))


def _left(request: Request, planned: Sequence[Planned], status: ExitStatus = ExitStatus.OK) -> Outcome:
    """The rebuilds go on by themselves."""
    shown = request.command(f"status {'' if request.everything else request.names[0]} --follow".replace("  ", " "))
    sentence = f"It goes on by itself: `{shown}` shows how far it is."
    (request.output.line if status is ExitStatus.OK else request.output.note)(sentence)
    found = [progress_of(each.model, each.start.building) for each in planned]
    return Outcome(_rebuilt(planned, found), status, sentence)


def _built(request: Request, model: Model, done: Progress) -> list[str]:
    control = model.control.read()
    found = f"{counted(done.events, 'event')}, {done.read_units:,.1f} read and {done.write_units:,.1f} write units"
    if control.live == done.generation:
        return [f"{model.name}: generation {done.generation} is built and live ({found})"]
    return [
        f"{model.name}: generation {done.generation} is built ({found}). Then:",
        *(f"  {request.command(f'{action} {model.name}')}" for action in ("compare", "switch")),
    ]


def _rebuilt(planned: Sequence[Planned], found: Sequence[Progress]) -> Rebuilt:
    return Rebuilt(
        [
            Rebuild(how=each.start.how, cost=each.cost, progress=progress)
            for each, progress in zip(planned, found, strict=True)
        ]
    )


def _words(request: Request) -> str:
    return "--all" if request.everything else request.names[0]
