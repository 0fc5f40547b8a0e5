"""Turns the emulator's answers into Athena's form: texts of values, the client's statement, bytes scanned."""

import ast
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = dict[str, Any]

_NO_COLUMN = re.compile(r'Binder Error: Referenced column "(\w+)" not found')

SCAN_LIMIT = "Query cancelled! : Bytes scanned limit was exceeded"


@dataclass(frozen=True)
class Asked:
    """A query of a client. If it must not succeed, `refused` is the reason and `state` its final state."""

    sql: str
    scanned: int = 0
    refused: str = ""
    state: str = "FAILED"


def execution(answer: Json, asked: Asked) -> Json:
    """A QueryExecution with the client's statement in place of the translated one."""
    statistics = {**(answer.get("Statistics") or {}), "DataScannedInBytes": asked.scanned}
    status = dict(answer.get("Status") or {})
    if status.get("StateChangeReason"):
        status["StateChangeReason"] = reason(status["StateChangeReason"])
    if asked.refused:
        status |= {"State": asked.state, "StateChangeReason": asked.refused}
    return {**answer, "Query": asked.sql, "Statistics": statistics, "Status": status}


def reason(text: str) -> str:
    """Why a query failed, in one line, without the place in the translated statement that DuckDB adds."""
    first = text.strip().splitlines()[0]
    column = _NO_COLUMN.match(first)
    return f"COLUMN_NOT_FOUND: Column '{column[1]}' cannot be resolved" if column else first


def result_set(answer: Json) -> Json:
    """A GetQueryResults answer with values in Athena's notation."""
    found = answer.get("ResultSet") or {}
    types = [column["Type"] for column in (found.get("ResultSetMetadata") or {}).get("ColumnInfo", [])]
    for row in found.get("Rows", []):
        for kind, datum in zip(types, row["Data"], strict=False):
            if "VarCharValue" in datum:
                datum["VarCharValue"] = value_text(kind, datum["VarCharValue"])
    return answer


def value_text(kind: str, text: str) -> str:
    """`2026-11-22 10:00:00.000` for a timestamp, `{currency=EUR, amount=1}` for a row; others as they are."""
    try:
        if kind == "timestamp":
            return datetime.fromisoformat(text).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        if kind == "row":
            return _row_text(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        pass  # the heading, which has the column's name
    return text


def _row_text(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_row_text(each)}" for name, each in value.items()) + "}"
    return "null" if value is None else str(value)
