"""The routes that read from read models. The ledger itself is asked for nothing, and a command needs none of this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from lambdas.contracts import http as shapes
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.httpapi import list_queries
from lambdas.httpapi.errors import InvalidRequestError, VersionNotReachedError
from lambdas.httpapi.lag import LAG, lag_header
from lambdas.httpapi.list_cursors import decode_cursor, encode_cursor
from lambdas.httpapi.paging import page_limit
from lambdas.httpapi.replies import Reply, json_reply
from lambdas.httpapi.requests import Request
from lambdas.httpapi.telemetry import logger
from lambdas.projections.account_summaries import AccountSummary
from lambdas.projections.daily_totals import MEASURES, LastDay, row_key
from lambdas.projections.errors import GenerationGoneError, ProjectionError
from lambdas.projections.read_model import AccountRow
from lambdas.projections.reading.reader import Reader

SUMS: Final = frozenset({"credited", "withdrawn", "transferred", "net"})
"""The measures of money."""


class ReadModelRoutes:
    """GET /accounts and GET /totals, over the readers of the read models."""

    def __init__(
        self,
        summaries: Reader[AccountSummary],
        totals: Reader[LastDay],
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._summaries = summaries
        self._totals = totals
        self._clock = clock

    def list_accounts(self, request: Request) -> Reply:
        """A page of accounts, or the accounts of some ids."""
        query = request.query("status", "currency", "limit", "cursor", "ids", "min_version")
        if "ids" in query:
            document = self._several(list_queries.several(query))
        elif "min_version" in query:
            raise InvalidRequestError("min_version", "goes with ids only")
        else:
            document = self._page(query)
        return json_reply(200, document, self._lag(self._summaries))

    def get_totals(self, request: Request) -> Reply:
        """The totals of each day that has events."""
        asked = list_queries.days(request.query("from", "to", "currency"))
        rows = self._totals.shared(row_key(asked.currency, asked.first), row_key(asked.currency, asked.last))
        totals = [_day_totals(key.partition("#")[2], measures) for key, measures in rows.items()]
        document = shapes.Totals(asked.first, asked.last, asked.currency, totals)
        return json_reply(200, document, self._lag(self._totals))

    def _page(self, query: Mapping[str, str]) -> shapes.AccountList:
        filters = list_queries.filters(query)
        limit = page_limit(query)
        cursor = decode_cursor(query["cursor"], filters) if "cursor" in query else None
        try:
            listed = self._summaries.listing(filters.groups, filters.order_prefix, limit, cursor)
        except GenerationGoneError:
            raise InvalidRequestError(
                "cursor", "is of a generation of the read model that is gone: begin again without it"
            ) from None
        following = None if listed.cursor is None else encode_cursor(listed.cursor, filters)
        return shapes.AccountList(_summaries(listed.rows), following)

    def _several(self, asked: list_queries.Several) -> shapes.AccountList:
        """Raises VersionNotReachedError."""
        rows = self._summaries.accounts(asked.account_ids)
        for account_id in asked.account_ids if asked.min_version else ():
            version = rows[account_id].gate.version if account_id in rows else 0
            if version < asked.min_version:
                raise VersionNotReachedError(f"the account {account_id} is at version {version} here")
        return shapes.AccountList(_summaries(rows[each] for each in asked.account_ids if each in rows), None)

    def _lag(self, reader: Reader[AccountSummary] | Reader[LastDay]) -> Mapping[str, str]:
        """The header. An answer that is there is given, also if nobody can say how old it is."""
        try:
            lag = reader.lag()
        except ProjectionError as error:
            logger.warning("the lag could not be read", reason=str(error))
            return {}
        return {} if lag is None else {LAG: lag_header(lag, self._clock())}


def _summaries(rows: Iterable[AccountRow[AccountSummary]]) -> list[shapes.AccountSummary]:
    """An account that was stopped before its first event has nothing to show."""
    return [_summary(each, each.kept) for each in rows if each.kept is not None]


def _summary(row: AccountRow[AccountSummary], kept: AccountSummary) -> shapes.AccountSummary:
    return shapes.AccountSummary(
        account_id=row.account_id,
        status=kept.status,
        currency=kept.currency,
        balance=kept.balance,
        overdraft_limit=kept.overdraft_limit,
        version=row.gate.version,
        opened_at=kept.opened_at,
        last_activity_at=kept.last_activity_at,
        events=kept.events,
    )


def _day_totals(day: str, measures: Mapping[str, int]) -> shapes.DayTotals:
    """A measure that no event has changed is 0."""
    figures = {name: measures.get(name, 0) for name in MEASURES}
    texts = {name: str(figures[name]) for name in SUMS}
    return msgspec.convert({"day": day, **figures, **texts}, shapes.DayTotals)
