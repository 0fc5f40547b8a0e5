"""Finds out what a statement reads of tables in files, as far as DuckDB can tell without running it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local.athena.footers import Snapshot
from local.athena.scanning import bytes_scanned
from local.athena.tables import Table
from local.athena.translation import empty_relation, select, translate

_ROUNDED = "date_trunc('millisecond', make_timestamp(epoch_us({name}) + 500))"


@dataclass(frozen=True)
class Reading:
    """The bytes to be scanned. `problem` is why they are not known; `scanned` is then the size of its tables."""

    scanned: int
    problem: str = ""


def rows_of(relation: str, table: Table) -> exp.Expression:
    """The rows of a table's files as a subquery that can replace the table. `relation` is DuckDB's table function.

    Athena's timestamps have milliseconds, and it rounds what is finer in a file, half up; DuckDB would keep it.
    Source: Athena user guide, "Data types in Amazon Athena"; Trino, `io.trino.spi.type.Timestamps`, `round`.
    """
    moments = [name for name, kind in table.columns.items() if kind == "timestamp"]
    rounded = ", ".join(f"{_ROUNDED.format(name=name)} AS {name}" for name in moments)
    replaced = f" REPLACE ({rounded})" if rounded else ""
    return select(f"SELECT *{replaced} FROM {relation}").subquery()  # noqa: S608


def reading(sql: str, tables: Mapping[str, Table], snapshots: Mapping[str, Snapshot], database: str) -> Reading:
    """The reading of a statement over the files of its tables, by name.

    Raises MalformedQueryError and TableNotFoundError.
    """
    read: set[str] = set()

    def over(wanted: Table, relation: str) -> str:
        def stand_in(table: Table) -> exp.Expression:
            read.add(table.name)
            return rows_of(relation, table) if table.name == wanted.name else empty_relation(table)

        return translate(sql, tables, stand_in, database=database)

    found = {name: each for name, each in snapshots.items() if each.files}
    try:
        return Reading(
            sum(bytes_scanned(tables[name], each.files, partial(over, tables[name])) for name, each in found.items())
        )
    except (duckdb.Error, SqlglotError) as error:
        sizes = (sum(file.sizes.values()) for name, each in found.items() if name in read for file in each.files)
        return Reading(sum(sizes), problem=str(error))
