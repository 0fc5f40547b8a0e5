"""Counts the bytes that Athena would scan for a query: the compressed chunks of the needed columns and files.

DuckDB's own optimizer says which columns, down to fields of structs, and which partitions a statement reads: it plans
the statement over a skeleton of the table, with one empty row for each partition. The sizes of the chunks come from the
footers of the files. Athena bills the same bytes; it may read a little more where its optimizer does less.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from local.athena.tables import Table

Plan = dict[str, Any]

_DISTORTING = (
    "statistics_propagation,empty_result_pullup,late_materialization,window_self_join,common_subplan,"
    "top_n_window_elimination"
)
"""Optimizers that depend on the skeleton's data, or read a table twice instead of once."""


@dataclass(frozen=True)
class Scan:
    """One pass over the table. `partitions` is a condition on partition columns in DuckDB's SQL, empty for all."""

    columns: tuple[str, ...]
    partitions: str


@dataclass(frozen=True)
class DataFile:
    """A file of the table: its partition's columns, and the compressed size of each column or field (`data.amount`)."""

    partition: Mapping[str, str]
    sizes: Mapping[str, int]


def bytes_scanned(table: Table, files: Iterable[DataFile], translate: Callable[[str], str]) -> int:
    """The bytes that a statement reads. `translate` gives it in DuckDB's SQL, over a relation in place of the table."""
    known = list(files)
    with tempfile.TemporaryDirectory(prefix="daybook-plan-") as folder, duckdb.connect() as connection:
        connection.execute(f"SET disabled_optimizers = '{_DISTORTING}'")
        relation = _skeleton(connection, Path(folder), table, known)
        if not relation:
            return 0
        plans = connection.execute(f"EXPLAIN (FORMAT JSON) {translate(relation)}").fetchall()
        scans = [scan for _, text in plans for plan in json.loads(text) for scan in _scans(plan)]
        return sum(_size(connection, scan, known) for scan in scans)


def _skeleton(connection: duckdb.DuckDBPyConnection, folder: Path, table: Table, files: list[DataFile]) -> str:
    keys = list(files[0].partition) if files else []
    columns = ", ".join(
        f'CAST(NULL AS {exp.DataType.build(kind, dialect="hive").sql("duckdb")}) AS "{name}"'
        for name, kind in table.columns.items()
        if name not in keys
    )
    for partition in {tuple(each.partition.items()) for each in files}:
        place = folder.joinpath(*(f"{key}={value}" for key, value in partition))
        place.mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY (SELECT {columns}) TO '{place / 'row.parquet'}' (FORMAT parquet)")
    return f"read_parquet('{folder}/**/*.parquet'{hive_types(keys)})" if files else ""


def hive_types(keys: Iterable[str]) -> str:
    """DuckDB's options for the columns that stand in folders' names; none if there are none."""
    types = ", ".join(f"'{key}': VARCHAR" for key in keys)
    return f", hive_partitioning = true, hive_types = {{{types}}}" if types else ", hive_partitioning = false"


def _scans(plan: Plan) -> Iterator[Scan]:
    about = plan.get("extra_info") or {}
    if plan["name"].strip() == "READ_PARQUET":
        listed = about.get("Projections") or []
        columns = {listed} if isinstance(listed, str) else set(listed)
        columns |= _columns_in(about.get("Filters") or "")
        yield Scan(tuple(sorted(columns)), str(about.get("File Filters") or ""))
    for child in plan["children"]:
        yield from _scans(child)


def _columns_in(filters: str | list[str]) -> set[str]:
    text = " AND ".join(filters) if isinstance(filters, list) else filters
    return (
        {column.sql("duckdb") for column in sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Column)}
        if text
        else set()
    )


def _size(connection: duckdb.DuckDBPyConnection, scan: Scan, files: list[DataFile]) -> int:
    read = {partition: _admits(connection, scan, partition) for partition in {_key(each) for each in files}}
    return sum(_chunks(each.sizes, scan.columns) for each in files if read[_key(each)])


def _key(file: DataFile) -> tuple[tuple[str, str], ...]:
    return tuple(file.partition.items())


def _admits(connection: duckdb.DuckDBPyConnection, scan: Scan, partition: tuple[tuple[str, str], ...]) -> bool:
    if not scan.partitions:
        return True
    names = ", ".join(f"? AS {key}" for key, _ in partition)
    row = connection.execute(
        f"SELECT {scan.partitions} FROM (SELECT {names})",  # noqa: S608
        [value for _, value in partition],
    ).fetchone()
    return bool(row and row[0])


def _chunks(sizes: Mapping[str, int], columns: tuple[str, ...]) -> int:
    """The size of a column, or of all fields of a struct that is read whole."""
    return sum(
        size for leaf, size in sizes.items() if any(leaf == name or leaf.startswith(f"{name}.") for name in columns)
    )
