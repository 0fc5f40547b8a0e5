"""Finds out what a statement reads of tables in files, as far as DuckDB can tell without running it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.athena.footers import Snapshot
from local.athena.scanning import bytes_scanned
from local.athena.tables import Table
from local.athena.translation import empty_relation, translate


@dataclass(frozen=True)
class Reading:
    """The bytes to be scanned. `problem` is why they are not known; `scanned` is then the size of its tables."""

    scanned: int
    problem: str = ""


def rows_of(relation: str) -> exp.Expression:
    """A table function in DuckDB's SQL as a subquery that can replace a table."""
    return sqlglot.select("*").from_(sqlglot.parse_one(relation, dialect="duckdb")).subquery()


def reading(sql: str, tables: Mapping[str, Table], snapshots: Mapping[str, Snapshot], database: str) -> Reading:
    """The reading of a statement over the files of its tables, by name.

    Raises MalformedQueryError and TableNotFoundError.
    """
    read: set[str] = set()

    def over(wanted: Table, relation: str) -> str:
        def stand_in(table: Table) -> exp.Expression:
            read.add(table.name)
            return rows_of(relation) if table.name == wanted.name else empty_relation(table)

        return translate(sql, tables, stand_in, database=database)

    found = {name: each for name, each in snapshots.items() if each.files}
    try:
        return Reading(
            sum(bytes_scanned(tables[name], each.files, partial(over, tables[name])) for name, each in found.items())
        )
    except (duckdb.Error, SqlglotError) as error:
        sizes = (sum(file.sizes.values()) for name, each in found.items() if name in read for file in each.files)
        return Reading(sum(sizes), problem=str(error))
