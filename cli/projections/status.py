"""`daybook projections status`: how each projection stands now, once or again and again."""

from __future__ import annotations

from itertools import islice
from typing import Final

import msgspec

from cli.errors import ExitStatus, UnavailableError, plain
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.projections.following import follow
from cli.projections.models import Model
from cli.projections.request import Request
from cli.projections.standing import Standing, generations, lag_text, standing_of, table
from cli.projections.stopped import StoppedAccount, stopped_accounts, stopped_text
from cli.projections.watching import Progress, progress_of, progress_text
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.errors import StreamUnavailableError
from lambdas.projections.lag import Lag
from lambdas.projections.stream.measuring import LagMeter

COLUMNS: Final = ("PROJECTION", "STATE", "LIVE", "NEXT", "KEPT", "LAG", "STOPPED")
MEASURING_SECONDS: Final = 15.0
MOST_STOPPED: Final = 100
"""Accounts of one projection that are named."""


class Status(msgspec.Struct, frozen=True, tag_field="action", tag="status"):
    """Every projection that was asked for."""

    projections: list[Measured]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One projection: its generations, its lag now, at most 100 stopped accounts, and a rebuild that is under way.

    `lag` is null while no generation is live, `rebuild` while nothing is rebuilt.
    """

    standing: Standing
    lag: Lag | None
    stopped: list[StoppedAccount]
    rebuild: Progress | None


def measure(model: Model, meter: LagMeter) -> Measured:
    """How it stands now. Raises UnavailableError, ReadModelUnavailableError."""
    control = model.control.read()
    building = control.building
    unfinished = building if building is not None and building.state != "built" else None
    try:
        lag = meter.measure(model, Deadline(MEASURING_SECONDS))
    except StreamUnavailableError as error:
        raise UnavailableError(f"The stream could not be read: {plain(error)}. Try again.") from error
    return Measured(
        standing=standing_of(model.name, control),
        lag=lag,
        stopped=list(islice(stopped_accounts(model, control), MOST_STOPPED)),
        rebuild=progress_of(model, unfinished) if unfinished else None,
    )


def run(request: Request) -> Outcome:
    """Measure and print; until Ctrl-C with --follow. Raises ReadModelUnavailableError, UnavailableError."""
    meter = request.connections.lag_meter(request.place)
    if request.follow:
        follow(lambda: shown(request, [measure(each, meter) for each in request.chosen]))
    found = []
    with Steps("Measuring the lag", len(request.chosen)) as steps:
        for each in request.chosen:
            found.append(measure(each, meter))
            steps.advance()
    for line in shown(request, found):
        request.output.line(line)
    return _outcome(found)


def shown(request: Request, found: list[Measured]) -> list[str]:
    """A table, and a line for each rebuild and for each stopped account, with what to do."""
    lines = table(COLUMNS, [_cells(each) for each in found])
    for each in found:
        name = each.standing.name
        if each.rebuild is not None:
            lines.append(f"{name}: {progress_text(each.rebuild)}")
        lines += [stopped_text(account) for account in each.stopped]
        if each.stopped:
            lines.append(f"after a fix: {request.command(f'retry {name} --all')}")
        if each.standing.state == "not-built":
            lines.append(f"build it: {request.command(f'rebuild {name}')}")
    return lines


def _cells(each: Measured) -> list[str]:
    lag = "-" if each.lag is None else lag_text(each.lag)
    most = "+" if len(each.stopped) == MOST_STOPPED else ""
    return [
        each.standing.name, each.standing.state, *generations(each.standing), lag, f"{len(each.stopped)}{most}"
    ]  # fmt: skip


def _outcome(found: list[Measured]) -> Outcome:
    sentences = []
    for each in found:
        name, stopped = each.standing.name, len(each.stopped)
        if stopped:
            sentences.append(f"{counted(stopped, 'account')} of {name} {'is' if stopped == 1 else 'are'} stopped.")
        if each.standing.state == "not-built":
            sentences.append(f"{name} has not been built.")
    return Outcome(Status(found), ExitStatus.FINDING if sentences else ExitStatus.OK, " ".join(sentences))
