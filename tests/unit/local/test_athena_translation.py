"""Athena's SQL becomes DuckDB's, with the same meaning."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime, time
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from local.athena.tables import Table, read_tables
from local.athena.translation import (
    MalformedQueryError,
    TableNotFoundError,
    empty_relation,
    parse,
    translate,
)

TABLES = {
    "events": Table("db", "events", {"id": "string", "n": "bigint", "dt": "string"}, location="s3://lake/events/"),
    "seen": Table("db", "seen", {"id": "string"}, view_sql="SELECT id, n FROM events WHERE n > 0"),
    "twice": Table(
        "db", "twice", {"id": "string"}, view_sql="WITH e AS (SELECT * FROM seen) SELECT id, n * 2 AS n FROM e"
    ),
}


def in_its_schema(table: Table) -> exp.Expression:
    return exp.table_(table.name, db=table.database, quoted=True)


def run(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA db")
        connection.execute(
            "CREATE TABLE db.events AS SELECT * FROM (VALUES ('a', 0, 'x'), ('b', 3, 'y')) AS t(id, n, dt)"
        )
        return connection.execute(translate(sql, TABLES, in_its_schema, database="db")).fetchall()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("date_format(TIMESTAMP '2026-03-01 14:05:00', '%Y-%m-%d %H:%i')", "2026-03-01 14:05"),
        ("date_parse('2026-03-01', '%Y-%m-%d')", datetime(2026, 3, 1)),  # noqa: DTZ001
        ("date_add('day', -1, DATE '2026-03-01')", date(2026, 2, 28)),
        ("json_extract_scalar('{\"a\": {\"b\": 7}}', '$.a.b')", "7"),
        ("approx_distinct(n)", 2),
        ("arbitrary(1)", 1),
        ("count_if(n > 0)", 1),
        ("max_by(id, n)", "b"),
        ("cast(date_trunc('month', DATE '2026-03-21') AS date)", date(2026, 3, 1)),
        ("split_part('daybook.account.Opened.v1', '.', 3)", "Opened"),
        ("date_diff('minute', TIMESTAMP '2026-03-01 10:00:59', TIMESTAMP '2026-03-01 10:05:58')", 4),
        ("try_cast('x' AS bigint)", None),
    ],
)
def test_functions_of_athena(expression: str, value: object) -> None:
    found = run(f"SELECT {expression} AS x FROM events")[0][0]
    assert found == (datetime.combine(value, time()) if isinstance(found, datetime) and type(value) is date else value)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT id FROM seen", [("b",)]),
        ("SELECT s.id FROM seen s JOIN events e ON s.id = e.id", [("b",)]),
        ("SELECT twice.n FROM twice", [(6,)]),
        ('SELECT n FROM "db"."twice"', [(6,)]),
        ("SELECT n FROM awsdatacatalog.DB.Twice AS t", [(6,)]),
        ("WITH events AS (SELECT 'z' AS id, 9 AS n) SELECT n FROM events", [(9,)]),
        ("WITH events AS (SELECT 'z' AS id, 9 AS n) SELECT n FROM seen", [(3,)]),
        ("SELECT (SELECT max(n) FROM seen) AS m, 1 AS one", [(3, 1)]),
        ("SELECT id FROM events WHERE id IN (SELECT id FROM seen)", [("b",)]),
        ("(SELECT 1)", [(1,)]),
    ],
)
def test_a_view_stands_where_its_name_stood(sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert run(sql) == rows


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("selec 1", r"^line 1:\d+: .* near"),
        ("SELECT 'open", r"^line 1:1: .*"),
        ("", "there are 0"),
        ("SELECT 1; SELECT 2", "there are 2"),
        ("DROP TABLE events", "Only queries"),
        ("INSERT INTO events SELECT * FROM events", "Only queries"),
        ("CREATE VIEW v AS SELECT 1", "Only queries"),
    ],
)
def test_what_athena_would_not_take(sql: str, complaint: str) -> None:
    with pytest.raises(MalformedQueryError, match=complaint):
        parse(sql)


@pytest.mark.parametrize("name", ["nope", "other.events", "db.nope"])
def test_a_table_that_there_is_not(name: str) -> None:
    with pytest.raises(TableNotFoundError, match=r"^TABLE_NOT_FOUND: Table 'awsdatacatalog\.\w+\.\w+' does not exist$"):
        translate(f"SELECT * FROM {name}", TABLES, in_its_schema, database="db")


def test_an_empty_table_has_the_types_of_its_columns() -> None:
    table = Table("db", "t", {"data": "struct<amount:bigint,currency:string>", "at": "timestamp"})
    sql = translate("SELECT sum(data.amount), max(at) FROM t", {"t": table}, empty_relation, database="db")
    assert duckdb.execute(sql).fetchall() == [(None, None)]
    assert isinstance(empty_relation(table), exp.Subquery)


class Glue:
    """As much of a client as is used."""

    class exceptions:  # noqa: N801 - botocore's name
        EntityNotFoundException = KeyError

    def __init__(self, tables: list[dict[str, Any]] | None) -> None:
        self._tables = tables

    def get_paginator(self, _: str) -> Glue:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        if self._tables is None:
            raise KeyError("no database")
        return [{"TableList": [each]} for each in self._tables]


def test_tables_and_views_are_read_from_glue() -> None:
    document = base64.b64encode(json.dumps({"originalSql": "SELECT 1 AS a"}).encode()).decode()
    columns = [{"Name": "a", "Type": "int"}]
    view = {
        "Name": "v", "StorageDescriptor": {"Columns": columns, "Location": ""},
        "ViewOriginalText": f"/* Presto View: {document} */",
    }  # fmt: skip
    table = {
        "Name": "t", "StorageDescriptor": {"Columns": columns, "Location": "s3://b/t/"},
        "PartitionKeys": [{"Name": "dt", "Type": "string"}],
    }  # fmt: skip
    assert read_tables(Glue([table, view]), "db") == {
        "t": Table("db", "t", {"a": "int", "dt": "string"}, location="s3://b/t/"),
        "v": Table("db", "v", {"a": "int"}, view_sql="SELECT 1 AS a"),
    }
    assert read_tables(Glue(None), "db") == {}
