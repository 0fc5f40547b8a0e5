"""Builds what the HTTP API reads read models with."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from lambdas.composition.settings import SettingsError, TableName
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES, AccountSummary
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.projection import AnyProjection
from lambdas.projections.reading import Reader


class ReadModels(NamedTuple):
    """The readers of the projections that routes show."""

    summaries: Reader[AccountSummary]
    totals: Reader[LastDay]


def read_models(client: Any, tables: str) -> ReadModels:
    """The readers, without a request. `tables` is JSON, table by projection. Raises SettingsError."""
    try:
        named = msgspec.json.decode(tables, type=dict[str, TableName])
    except msgspec.MsgspecError as error:
        raise SettingsError(f"READ_MODEL_TABLES is no JSON of tables by projection: {error}") from None

    def table(projection: AnyProjection) -> str:
        if projection.name not in named:
            raise SettingsError(f"READ_MODEL_TABLES names no table of {projection.name}")
        return named[projection.name]

    return ReadModels(
        Reader(client, table(ACCOUNT_SUMMARIES), ACCOUNT_SUMMARIES), Reader(client, table(DAILY_TOTALS), DAILY_TOTALS)
    )
