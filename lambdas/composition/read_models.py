"""Builds what the HTTP API reads read models with."""

from __future__ import annotations

from typing import Any, NamedTuple

from lambdas.composition.settings import SettingsError, read_model_tables
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES, AccountSummary
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.projection import AnyProjection
from lambdas.projections.reading.reader import Reader


class ReadModels(NamedTuple):
    """The readers of the projections that routes show."""

    summaries: Reader[AccountSummary]
    totals: Reader[LastDay]


def read_models(client: Any, tables: str) -> ReadModels:
    """The readers, without a request. `tables` is JSON, table by projection. Raises SettingsError."""
    named = read_model_tables(tables)

    def table(projection: AnyProjection) -> str:
        if projection.name not in named:
            raise SettingsError(f"READ_MODEL_TABLES names no table of {projection.name}")
        return named[projection.name]

    return ReadModels(
        Reader(client, table(ACCOUNT_SUMMARIES), ACCOUNT_SUMMARIES), Reader(client, table(DAILY_TOTALS), DAILY_TOTALS)
    )
