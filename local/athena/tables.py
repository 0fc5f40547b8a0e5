"""The tables and views of a Glue database, as far as a query needs them."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VIEW_TEXT = re.compile(r"/\* Presto View: (\S+) \*/")


@dataclass(frozen=True)
class Table:
    """A table, or a view when it has a `view_sql`. `columns` are names and Glue types, partition columns last."""

    database: str
    name: str
    columns: Mapping[str, str]
    location: str = ""
    view_sql: str = ""


def read_tables(glue: Any, database: str) -> dict[str, Table]:
    """All tables of a database by name; empty if there is no such database."""
    try:
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database))
    except glue.exceptions.EntityNotFoundException:
        return {}
    found = (_table(database, each) for page in pages for each in page["TableList"])
    return {table.name: table for table in found}


def _table(database: str, described: Mapping[str, Any]) -> Table:
    storage = described.get("StorageDescriptor") or {}
    columns = [*(storage.get("Columns") or []), *(described.get("PartitionKeys") or [])]
    text = _VIEW_TEXT.fullmatch(described.get("ViewOriginalText") or "")
    return Table(
        database=database,
        name=described["Name"],
        columns={column["Name"]: column["Type"] for column in columns},
        location=storage.get("Location") or "",
        view_sql=json.loads(base64.b64decode(text[1]))["originalSql"] if text else "",
    )
