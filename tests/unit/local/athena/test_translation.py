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
    "halves": Table("db", "halves", {"half": "bigint"}, view_sql="SELECT (n + 2) / 2 AS half FROM events"),
}


def in_its_schema(table: Table) -> exp.Expression:
    return exp.table_(table.name, db=table.database, quoted=True)


def run(sql: str) -> list[tuple[Any, ...]]:
    return execute(sql)[1]


def columns(sql: str) -> list[str]:
    return execute(sql)[0]


def execute(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns, and the rows."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA db")
        connection.execute(
            "CREATE TABLE db.events AS SELECT * FROM (VALUES ('a', 0, 'x'), ('b', 3, 'y')) AS t(id, n, dt)"
        )
        found = connection.execute(translate(sql, TABLES, in_its_schema, database="db"))
        return [column[0] for column in found.description or []], found.fetchall()


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
    ("expression", "value"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("(-7) / (-2)", 3),
        ("2 * 7 / 2 / 2", 3),
        ("100 / (7 / 2)", 33),
        ("7 - 1 / 2 * 2", 7),
        ("sum(n) / 2", 1),
        ("sum(n) / count(*)", 1),
        ("max(n) / 2 * 1.0", 1),
        ("CAST(9007199254740993 AS bigint) / 1", 9007199254740993),  # beyond what a double holds
        ("avg(n) / 2", 0.75),
        ("max(n) / 2.0", 1.5),
        ("CAST(max(n) AS double) / 2", 1.5),
        ("-7e0 / 2", -3.5),
    ],
)
def test_integers_are_divided_as_athena_does(expression: str, value: float) -> None:
    assert run(f"SELECT DISTINCT {expression} AS x FROM events") == [(value,)]


def test_integers_are_divided_as_athena_does_wherever_that_stands() -> None:
    assert run("SELECT half / 2 FROM halves WHERE half / 2 IN (SELECT n / 2 FROM events)") == [(0,), (1,)]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT count(*), id, max(n) FROM events GROUP BY id", ["_col0", "id", "_col2"]),
        ("SELECT count(*) AS n, sum(n) FROM events", ["n", "_col1"]),
        ("SELECT CAST(n AS varchar), (id), e.n, n + 1 FROM events e", ["_col0", "id", "n", "_col3"]),
        ("SELECT (SELECT max(n) FROM seen), (SELECT 1) AS one", ["_col0", "one"]),
        ("SELECT row_number() OVER (ORDER BY id) FROM events", ["_col0"]),
        ("SELECT 1 UNION ALL SELECT 2", ["_col0"]),
        ("(SELECT 1)", ["_col0"]),
        ("WITH one AS (SELECT 1, 'a') SELECT * FROM one", ["_col0", "_col1"]),
        ("SELECT * FROM (SELECT count(*) FROM twice)", ["_col0"]),
        ("SELECT *, n FROM events", ["id", "n", "dt", "n"]),
    ],
)
def test_a_column_without_a_name_is_called_by_its_place(sql: str, names: list[str]) -> None:
    assert columns(sql) == names


def test_a_column_after_all_others_is_not_called_by_a_wrong_place() -> None:
    """It is the fourth, which the statement alone does not tell."""
    assert not columns("SELECT *, n + 1 FROM events")[3].startswith("_col")


def test_a_field_is_called_by_its_own_name() -> None:
    table = Table("db", "t", {"data": "struct<amount:bigint>"})
    sql = translate(
        "SELECT data.amount, t.data.amount, max(data.amount) FROM t GROUP BY data",
        {"t": table},
        empty_relation,
        database="db",
    )
    assert [each[0] for each in duckdb.execute(sql).description] == ["amount", "amount", "_col2"]


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
