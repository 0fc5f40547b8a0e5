"""A lake in a folder: the tables' own columns, filled with domain events, and statements run on it by DuckDB."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from sqlglot import exp

from analytics.catalog import query, views
from cli.restore.revocations import revocations_file
from lambdas.contracts.domain_events import DomainEvent
from lambdas.contracts.lake import (
    EVENTS_TABLE,
    LAKE_COLUMNS,
    PARTITION,
    REVOCATION_COLUMNS,
    REVOCATIONS_TABLE,
    Revocation,
)
from lambdas.contracts.ledger_events import RestoredEvent, restored_event
from local.athena.reading import rows_of
from local.athena.tables import Table
from local.athena.translation import empty_relation, translate

DATABASE = "daybook_test"


def glue_tables(**changed: str) -> dict[str, Table]:
    """The tables and the views as a deployed database has them, or with another statement for a view."""
    columns = {column.name: column.type for column in (*LAKE_COLUMNS, PARTITION)}
    events = Table(DATABASE, EVENTS_TABLE, columns, location="s3://lake/events/")
    columns = {column.name: column.type for column in REVOCATION_COLUMNS}
    revocations = Table(DATABASE, REVOCATIONS_TABLE, columns, location="s3://lake/revocations/")
    return {EVENTS_TABLE: events, REVOCATIONS_TABLE: revocations} | {
        view.name: Table(DATABASE, view.name, view.columns, view_sql=changed.get(view.name, view.sql))
        for view in views().values()
    }


class Lake:
    """Parquet files below `events/dt=…/`, one for each `arrive`, and below `revocations/`, one for each `revoke`."""

    def __init__(self, folder: Path, **changed: str) -> None:
        self.folder = folder
        self._revocations = folder / "revocations"
        self._tables = glue_tables(**changed)
        self._files = 0
        self._connection = duckdb.connect()

    def close(self) -> None:
        """Let go of DuckDB: what holds on to it until Python ends is told as a leak."""
        self._connection.close()
        del self._connection

    def arrive(self, day: str, events: Iterable[DomainEvent[Any] | RestoredEvent]) -> Path:
        """Write one file into the partition of a day of arrival."""
        self._files += 1
        place = self.folder / "events" / f"dt={day}"
        place.mkdir(exist_ok=True, parents=True)
        lines = place / "lines.json"
        lines.write_bytes(b"\n".join(map(msgspec.json.encode, events)))
        types = {column.name: duckdb_type(column.type) for column in LAKE_COLUMNS}
        read = self._connection.read_json(str(lines), format="newline_delimited", columns=types)
        target = place / f"{self._files}.parquet"
        written = target.with_suffix(".written")
        read.write_parquet(str(written), compression="snappy")
        written.replace(target)  # whole at once, as an object of S3 is: others may ask meanwhile
        lines.unlink()
        return target

    def revoke(self, *revoked: Revocation) -> None:
        """Write the file of one restore."""
        self._revocations.mkdir(exist_ok=True, parents=True)
        number = len(list(self._revocations.iterdir())) + 1
        (self._revocations / f"{number}.parquet").write_bytes(revocations_file(revoked))

    def edit(self, file: Path, **expressions: str) -> None:
        """Rewrite a file as somebody might who has access to the bucket: columns become expressions of DuckDB's SQL."""
        columns = ", ".join(f"{value} AS {name}" for name, value in expressions.items())
        rows = self._connection.sql(
            f"SELECT * REPLACE ({columns}) FROM read_parquet('{file}', hive_partitioning = false)"
        )
        edited = file.with_suffix(".edited")
        rows.write_parquet(str(edited), compression="snappy")
        edited.replace(file)

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Run a statement in Athena's dialect."""
        translated = translate(statement, self._tables, self._relation, database=DATABASE)
        with self._connection.cursor() as cursor:  # its own: several threads may ask at once
            found = cursor.execute(translated)
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def query(self, name: str, **values: object) -> list[dict[str, Any]]:
        """Run a named query."""
        return self.sql(query(name).fill(values))

    def _relation(self, table: Table) -> exp.Expression:
        if table.name == REVOCATIONS_TABLE:
            if not self._revocations.exists():
                return empty_relation(table)
            return rows_of(f"read_parquet('{self._revocations}/*.parquet', union_by_name = true)", table)
        if not self._files:
            return empty_relation(table)
        files = (
            f"read_parquet('{self.folder}/events/*/*.parquet', union_by_name = true, hive_types = {{'dt': VARCHAR}})"
        )
        return rows_of(files, table)


def duckdb_type(glue_type: str) -> str:
    """DuckDB's name of a Glue type."""
    return exp.DataType.build(glue_type, dialect="hive").sql("duckdb")


def event(
    kind: str, account: str, version: int, recorded: str, *, occurred: str | None = None, **data: object
) -> DomainEvent[Any]:
    """A domain event; times are `YYYY-MM-DD HH:MM:SS`, with or without milliseconds."""
    return msgspec.convert(
        {
            "specversion": "1.0",
            "id": f"{account}/{version}",
            "source": "/daybook/accounts",
            "type": f"daybook.account.{kind}.v1",
            "subject": account,
            "time": _in_full(occurred or recorded),
            "dataschema": f"urn:daybook:schema:account:{kind}:1",
            "datacontenttype": "application/json",
            "streamversion": version,
            "recordedtime": _in_full(recorded),
            "rowhash": b64encode(sha256(f"{account}/{version}".encode()).digest()).decode(),
            "correlationid": f"c-{version}",
            "causationid": f"k-{version}",
            "data": data,
        },
        DomainEvent[Any],
    )


def revocation(account: str, last_good_version: int, announced: str, generation: int = 2) -> Revocation:
    """What a restore revoked of an account; its moment is `YYYY-MM-DD HH:MM:SS`."""
    moment = _in_full(announced)
    return Revocation(
        account_id=account,
        last_good_version=last_good_version,
        recordedtime=moment,
        restored_to=moment,
        generation=generation,
    )


def restored(account: str, last_good_version: int, announced: str, generation: int = 2) -> RestoredEvent:
    """How a restore is told in the stream."""
    moment = datetime.fromisoformat(announced).replace(tzinfo=UTC)
    return restored_event(
        account,
        last_good_version=last_good_version,
        restored_to=moment,
        generation=generation,
        announced=moment,
    )


def _in_full(moment: str) -> str:
    return datetime.fromisoformat(moment).isoformat(timespec="milliseconds") + "Z"
