"""`daybook projections list`: what there is, from two small rows of each read model."""

from __future__ import annotations

from datetime import datetime

import msgspec

from cli.output import Outcome
from cli.projections.request import Request
from cli.projections.standing import Standing, age, generations, lag_text, standing_of, table
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.projections.lag import Lag

COLUMNS = ("PROJECTION", "STATE", "LIVE", "NEXT", "KEPT", "LAG")


class Listing(msgspec.Struct, frozen=True, tag_field="action", tag="list"):
    """All projections of the release. A lag is that of the last measurement; null: there was none."""

    projections: list[Listed]


class Listed(msgspec.Struct, frozen=True):
    """One projection and its last measured lag."""

    standing: Standing
    lag: Lag | None


def run(request: Request) -> Outcome:
    """Print a line for each projection. Raises ReadModelUnavailableError."""
    found = [Listed(standing_of(each.name, each.control.read()), each.positions.lag()) for each in request.chosen]
    now = utc_now()
    rows = [
        [each.standing.name, each.standing.state, *generations(each.standing), _lag(each.lag, now)] for each in found
    ]
    for line in table(COLUMNS, rows):
        request.output.line(line)
    return Outcome(Listing(found))


def _lag(lag: Lag | None, now: datetime) -> str:
    return lag_text(lag) if lag is None else f"{lag_text(lag)} ({age(lag, now):,.0f} s ago)"
