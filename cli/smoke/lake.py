"""Finds one event in the lake, and runs a named query on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from analytics import catalog
from cli.smoke.refusals import Use, refused, unreachable
from lambdas.athena.errors import QueryError, QueryFailedError
from lambdas.athena.queries import countdown
from lambdas.reporting.report import Queries
from lambdas.smoke.steps import StepFailedError

QUERY: Final = "reconciliation"
QUERY_SECONDS: Final = 120.0
"""The longest that one query may take."""

_POLLS = 40
"""How often the lake is asked while an event may take as long as the interval of its files."""


class Lake:
    """Asks the lake. Files are written every `interval` seconds, and late after `patience` seconds."""

    def __init__(
        self,
        queries: Queries,
        *,
        use: Use,
        interval: float,
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._queries = queries
        self._use = use
        self._interval = interval
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep

    def find(self, event_id: str, booked: date) -> float:
        """Wait until the lake holds an event; after how many seconds. Raises StepFailedError."""
        what = f"the event {event_id} was looked for in the lake"
        sql = _row(event_id, booked)
        began = self._monotonic()
        while True:
            with self._asking(what):
                (row,) = self._queries.rows(sql, countdown(QUERY_SECONDS))
            if row["found"] != "0":
                return self._monotonic() - began
            if self._monotonic() - began > self._patience:
                raise StepFailedError(
                    what,
                    f"it did not come within {self._patience:.0f} seconds, and files come every {self._interval:.0f}",
                    "the alarms of the lake's stack, the log of Firehose, and errors/ in the lake's bucket",
                )
            self._sleep(self._interval / _POLLS)

    def reconcile(self, day: date) -> str:
        """Run a named query over a day. Raises StepFailedError."""
        what = f"the named query {QUERY} was run over {day}"
        with self._asking(what):
            sql = catalog.query(QUERY).fill({"from_day": day, "to_day": day})
            rows = self._queries.rows(sql, countdown(QUERY_SECONDS))
        if not rows:
            return "no event of the day yet"
        return f"{rows[0]['events']} events of the day, {rows[0]['missing']} missing between them"

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except QueryError as error:
            if isinstance(error.__cause__, ClientError) and not isinstance(error, QueryFailedError):
                raise refused(error.__cause__, self._use, what) from error
            if isinstance(error.__cause__, BotoCoreError):
                raise unreachable(error.__cause__, self._use, what) from error
            raise StepFailedError(what, str(error), _look_at(error, self._use)) from error


def _look_at(error: QueryError, use: Use) -> str:
    """Athena reads files, keys and the catalog in the caller's name, and tells of what is missing in its own words."""
    lowered = str(error).lower()
    if any(word in lowered for word in ("denied", "permission", "not authorized")):
        return f"the caller's policies (output {use.policy}), and grants of Lake Formation (docs/deploy.md)"
    return f"Athena's history of queries in the workgroup {use.resource}"


def _row(event_id: str, booked: date) -> str:
    """Reads only the partitions in which an event of a day can be: `dt` is the arrival of a file's oldest record."""
    first, last, wanted = (
        catalog.literal("value", "string", each)
        for each in (booked - timedelta(days=1), booked + timedelta(days=1), event_id)
    )
    return f"SELECT count(*) AS found FROM events WHERE dt BETWEEN {first} AND {last} AND id = {wanted}"  # noqa: S608
