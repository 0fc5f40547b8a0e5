"""Queries of days read only their days' partitions: the filter on `dt` stands below what drops duplicates."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import partial

import pytest
import sqlglot
from sqlglot import exp

from analytics.catalog import queries, query
from lambdas.contracts.lake import EVENTS_TABLE
from local.athena.scanning import DataFile, bytes_scanned
from local.athena.tables import Table
from local.athena.translation import empty_relation, translate
from tests.unit.analytics.lake import DATABASE, glue_tables

DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(60)]
VALUES = {"day": "2026-03-20", "from_day": "2026-03-20", "to_day": "2026-03-22", "top": "3", "times": "3"}
OF_DAYS = {name for name, each in queries().items() if {"day", "from_day"} & each.parameters.keys()}
WINDOW = re.compile(
    r"WHERE dt BETWEEN CAST\(CAST\(date_add\('day', -(\d), :(?:from_)?day\) AS date\) AS varchar\)\s+"
    r"AND CAST\(CAST\(date_add\('day', :late_days, :(?:to_)?day\) AS date\) AS varchar\)\s+"
    r"(AND dt <= CAST\(CAST\(date_add\('day', :late_days, CAST\(recordedtime AS date\)\) AS date\) AS varchar\)\s+)?"
)
DEDUPLICATED = re.compile(
    r"SELECT \*, row_number\(\) OVER \(PARTITION BY id, CAST\(recordedtime AS date\)\s+"
    r"ORDER BY recordedtime DESC, dt, rowhash\)\s+AS delivery\s+FROM (delivered_events|\([^()]+events[^()]+"
    r"coalesce\(events\.source, ''\) <> '/daybook/ledger'\s+\) AS standing)\s+$"
)

WITHOUT_DUPLICATES_OTHERWISE = {"reconciliation", "recorded_versions"}
"""They count deliveries, or look at every different content."""


def partitions_read(statement: str) -> int:
    """Partitions that a statement reads of a lake whose every partition holds one byte of `subject`."""
    files = [DataFile({"dt": str(day)}, {"subject": 1}) for day in DAYS]
    return bytes_scanned(glue_tables()[EVENTS_TABLE], files, partial(_over, statement))


def _over(statement: str, relation: str) -> str:
    source = sqlglot.select("*").from_(sqlglot.parse_one(relation, dialect="duckdb")).subquery()

    def relation_of(table: Table) -> exp.Expression:
        return source.copy() if table.name == EVENTS_TABLE else empty_relation(table)

    return translate(statement, glue_tables(), relation_of, database=DATABASE)


@pytest.mark.parametrize("name", sorted(OF_DAYS))
def test_a_query_of_days_reads_their_partitions_only(name: str) -> None:
    statement = query(name)
    days = 1 if "day" in statement.parameters else 3
    before = 2 if name == "rapid_withdrawals" else 1
    for late, given in ((3, {}), (9, {"late_days": "9"})):
        values = {parameter: VALUES[parameter] for parameter in statement.parameters if parameter != "late_days"}
        assert partitions_read(statement.fill({**values, **given})) == before + days + late


def test_a_view_that_drops_duplicates_reads_the_whole_history_whatever_is_asked_of_it() -> None:
    """Why the window stands in each query: from outside a view, a condition on `dt` comes too late."""
    asked = "SELECT count(subject) AS n FROM {} WHERE dt BETWEEN '2026-03-19' AND '2026-03-23'"
    assert partitions_read(asked.format("delivered_events")) == 5
    assert partitions_read(asked.format("domain_events")) == len(DAYS)


@pytest.mark.parametrize("name", sorted(OF_DAYS))
def test_the_window_is_the_same_in_every_query_of_days(name: str) -> None:
    sql = query(name).sql
    [window] = WINDOW.finditer(sql)
    assert window[1] == ("2" if name == "rapid_withdrawals" else "1")
    assert bool(window[2]) == ("to_day" in query(name).parameters), "each day of several has its own end"
    assert (name in WITHOUT_DUPLICATES_OTHERWISE) != bool(DEDUPLICATED.search(sql[: window.start()]))
