"""`daybook projections compare`: folds every account anew from the event table, and names what differs."""

from __future__ import annotations

import msgspec

from cli.environments.ledger import open_store
from cli.errors import CommandError, ExitStatus
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.projections.estimating import rows_of
from cli.projections.models import Model
from cli.projections.request import Request
from cli.projections.status import measure
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.projections.comparison.account_check import WORDS, Difference
from lambdas.projections.comparison.account_walk import TableAccounts
from lambdas.projections.comparison.comparison import Compared, Comparison, settled_before
from lambdas.projections.control import Control


class ComparedModel(msgspec.Struct, frozen=True, tag_field="action", tag="compare"):
    """What a comparison of one generation found."""

    name: str
    compared: Compared


def run(request: Request) -> Outcome:
    """Compare, and print what differs. Raises CommandError, ReadModelUnavailableError, ReadUnavailableError."""
    model = request.model
    generation = _chosen(request, model.control.read())
    ledger = request.place.ledger()
    lag = measure(model, request.connections.lag_meter(request.place)).lag
    comparison = Comparison(
        model.projection,
        DynamoDBTableWalk(model.dynamodb, event_table=ledger.event_table),
        DomainEventReader(open_store(ledger)),
        model.rows,
        TableAccounts(model.dynamodb, model.table),
        segments=request.segments,
    )
    settled = settled_before(lag, utc_now())
    with Steps(f"Comparing {model.name}; events", rows_of(model, ledger.event_table) or None, rate=True) as steps:
        found = comparison.compare(generation, settled, told=lambda pace: steps.reach(pace.rows))
    for line in _lines(model, found):
        request.output.line(line)
    return _outcome(model, found)


def _chosen(request: Request, control: Control) -> int:
    """The generation of the options, else the one that is built, else the live one. Raises CommandError."""
    built = control.building.generation if control.building and control.building.state == "built" else 0
    generation = request.generation or built or control.live
    if not generation:
        builds = request.command(f"rebuild {request.model.name}")
        raise CommandError(f"{request.model.name} has not been built: `{builds}` builds it.")
    if generation not in control.generations:
        there = ", ".join(map(str, sorted(control.generations)))
        raise CommandError(f"{request.model.name} has no generation {generation}: there are {there}.")
    return generation


def _lines(model: Model, found: Compared) -> list[str]:
    lines = [_line(each) for each in found.first]
    if (left := sum(found.differences.values()) - len(found.first)) > 0:
        lines.append(f"and {counted(left, 'other difference')}")
    shared = f" and {counted(found.shared, 'shared row')}" if found.shared or found.in_motion else ""
    verdict = "equal" if found.equal else counted(sum(found.differences.values()), "difference")
    lines.append(
        f"{model.name}: generation {found.generation}, {counted(found.accounts, 'account')}{shared} compared with "
        f"{counted(found.events, 'event')}: {verdict}"
    )
    for number, words in (
        (found.stopped, "stopped: compared up to where they stand"),
        (found.late, "not in the read model yet, within the lag"),
    ):
        if number:
            lines.append(f"  {counted(number, 'account')} {words}")
    if found.in_motion:
        lines.append(f"  {counted(found.in_motion, 'shared row')} changed all the time: {', '.join(found.moving)}")
    return lines


def _line(each: Difference) -> str:
    return f"{each.subject}  {WORDS[each.kind]}: expected {each.expected}, found {each.found}"


def _outcome(model: Model, found: Compared) -> Outcome:
    data = ComparedModel(model.name, found)
    if found.equal:
        return Outcome(data)
    number = counted(sum(found.differences.values()), "difference")
    return Outcome(data, ExitStatus.FINDING, f"{model.name}, generation {found.generation}: {number}.")
