"""Answers the calls of Athena's API that carry statements or results, and passes every other call on."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from sqlglot import exp

from local.athena import answers
from local.athena.answers import Asked, Json
from local.athena.footers import Footers, Snapshot
from local.athena.reading import Reading, reading, rows_of
from local.athena.results import ResultFiles
from local.athena.tables import Table, read_tables
from local.athena.translation import (
    MalformedQueryError,
    TableNotFoundError,
    empty_relation,
    parse,
    translate,
)

Forward = Callable[[Json], tuple[int, Json]]
"""Sends the call on with another body; returns status and answer."""

_REMEMBERED = 1000
_NOTHING = "SELECT 1"


class Service:
    """Speaks Athena's SQL to clients; `glue`, `s3` and `athena` are clients of the emulator."""

    def __init__(self, *, glue: Any, s3: Any, athena: Any) -> None:
        self._glue = glue
        self._athena = athena
        self._footers = Footers(s3)
        self._files = ResultFiles(s3)
        self._asked: OrderedDict[str, Asked] = OrderedDict()
        self._lock = threading.Lock()

    def call(self, action: str, body: Json, forward: Forward) -> tuple[int, Json]:
        """Answer one call."""
        match action:
            case "StartQueryExecution":
                return self._start(body, forward)
            case "GetQueryExecution":
                status, answer = forward(body)
                return status, self._with_execution(answer)
            case "GetQueryResults":
                status, answer = forward(body)
                return status, answers.result_set(answer)
            case _:
                return forward(body)

    def _start(self, body: Json, forward: Forward) -> tuple[int, Json]:
        sql = str(body.get("QueryString", ""))
        try:
            parse(sql)
        except MalformedQueryError as error:
            return 400, {
                "__type": "InvalidRequestException",
                "AthenaErrorCode": "MALFORMED_QUERY",
                "Message": str(error),
                "message": str(error),
            }
        database = str((body.get("QueryExecutionContext") or {}).get("Database") or "default").lower()
        translated, asked = self._prepare(sql, database, str(body.get("WorkGroup") or "primary"))
        status, answer = forward({**body, "QueryString": translated})
        if status < 300:
            with self._lock:
                self._asked[answer["QueryExecutionId"]] = asked
                if len(self._asked) > _REMEMBERED:
                    self._asked.popitem(last=False)
        return status, answer

    def _prepare(self, sql: str, database: str, workgroup: str) -> tuple[str, Asked]:
        tables = read_tables(self._glue, database)
        try:
            snapshots = {each.name: self._snapshot(each) for each in tables.values() if each.location}
            translated = translate(sql, tables, partial(_relation, snapshots), database=database)
            found = reading(sql, tables, snapshots, database)
        except (TableNotFoundError, MalformedQueryError) as error:
            return _NOTHING, Asked(sql, refused=str(error))
        limit = self._scan_limit(workgroup)
        if limit is not None and found.scanned > limit:
            return _NOTHING, _above_limit(sql, found)
        return translated, Asked(sql, scanned=found.scanned)

    def _snapshot(self, table: Table) -> Snapshot:
        with self._lock:
            return self._footers.snapshot(table.location)

    def _scan_limit(self, workgroup: str) -> int | None:
        try:
            found = self._athena.get_work_group(WorkGroup=workgroup)["WorkGroup"]["Configuration"]
        except (ClientError, BotoCoreError, KeyError):
            return None  # the emulator says itself what is wrong with the workgroup
        limit = found.get("BytesScannedCutoffPerQuery")
        return None if limit is None else int(limit)

    def _with_execution(self, answer: Json) -> Json:
        found = answer.get("QueryExecution") or {}
        asked = self._asked.get(found.get("QueryExecutionId", ""))
        if asked and not asked.refused and (found.get("Status") or {}).get("State") == "SUCCEEDED":
            self._files.write(found["ResultConfiguration"]["OutputLocation"])
        return answer if asked is None else {**answer, "QueryExecution": answers.execution(found, asked)}


def _relation(snapshots: dict[str, Snapshot], table: Table) -> exp.Expression:
    found = snapshots.get(table.name)
    return rows_of(found.relation, table) if found and found.files else empty_relation(table)


def _above_limit(sql: str, found: Reading) -> Asked:
    """The query as cancelled above the limit, as Athena does; or as failed, if its bytes could not be counted."""
    if found.problem:
        return Asked(sql, refused=answers.reason(found.problem))
    return Asked(sql, scanned=found.scanned, refused=answers.SCAN_LIMIT, state="CANCELLED")
