"""Runs queries on Athena: starts a query, waits for its end with a time limit, reads its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.athena.errors import AthenaUnavailableError, QueryFailedError, QueryTimeoutError, ScanLimitError

Row: TypeAlias = dict[str, str | None]
"""Column to text, as Athena writes values; None is NULL."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
_REFUSED = "InvalidRequestException"
_SCAN_LIMIT = "bytes scanned limit"


def countdown(seconds: float, monotonic: Callable[[], float] = time.monotonic) -> Callable[[], float]:
    """A function that returns how many of `seconds`, counted from now, are left."""
    end = monotonic() + seconds
    return lambda: end - monotonic()


class Athena:
    """Runs statements in one workgroup (which says where results go) on one database."""

    def __init__(
        self,
        client: Any,
        *,
        workgroup: str,
        database: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._workgroup = workgroup
        self._database = database
        self._sleep = sleep

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[Row]:
        """All rows of a SELECT. A query longer than `time_left` (seconds) is stopped. Raises a QueryError."""
        with _answered():
            return list(self._result(self._run(sql, time_left)[0]))

    def result_location(self, sql: str, time_left: Callable[[], float]) -> str:
        """Run a SELECT as `rows` does: where the file with its rows is, `s3://bucket/key`. Raises a QueryError."""
        with _answered():
            found: str = self._run(sql, time_left)[1]["ResultConfiguration"]["OutputLocation"]
            return found

    def _run(self, sql: str, time_left: Callable[[], float]) -> tuple[str, dict[str, Any]]:
        started = self._client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
        )
        execution = started["QueryExecutionId"]
        return execution, self._wait(execution, time_left)

    def _wait(self, execution: str, time_left: Callable[[], float]) -> dict[str, Any]:
        """The query as it ended."""
        pause = FIRST_PAUSE
        while True:
            answer: dict[str, Any] = self._client.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            status = answer["Status"]
            if status["State"] == "SUCCEEDED":
                return answer
            if status["State"] in {"FAILED", "CANCELLED"}:
                raise self._failure(execution, status, answer.get("Statistics", {}))
            if time_left() <= pause:
                self._stop(execution)
                raise QueryTimeoutError(f"query {execution} did not end in time and was stopped ({status['State']}).")
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _failure(self, execution: str, status: dict[str, Any], statistics: dict[str, Any]) -> QueryFailedError:
        reason = status.get("StateChangeReason") or "no reason given"
        if _SCAN_LIMIT in reason.lower():
            scanned = statistics.get("DataScannedInBytes", 0)
            return ScanLimitError(
                f"query {execution} was cancelled after {scanned:,} bytes: it passed the scan cut-off of workgroup "
                f"{self._workgroup}. Narrow the days it reads (the partition dt), or raise the cut-off."
            )
        return QueryFailedError(f"query {execution} ended {status['State']}: {reason}")

    def _stop(self, execution: str) -> None:
        """Best effort: the caller reports the timeout, whether or not this works."""
        try:
            self._client.stop_query_execution(QueryExecutionId=execution)
        except (BotoCoreError, ClientError):
            return

    def _result(self, execution: str) -> Iterator[Row]:
        token: dict[str, str] = {}
        first_page = True
        while True:
            page = self._client.get_query_results(QueryExecutionId=execution, **token)
            columns = [column["Name"] for column in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
            found = [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
            if first_page and found[:1] == [columns]:
                del found[0]  # the header, which Athena puts before the rows of a SELECT
            for values in found:
                yield dict(zip(columns, values, strict=True))
            if not page.get("NextToken"):
                return
            token, first_page = {"NextToken": page["NextToken"]}, False


@contextmanager
def _answered() -> Iterator[None]:
    """Failures of requests as QueryError."""
    try:
        yield
    except ClientError as error:
        message = error.response["Error"].get("Message", "no reason given")
        if error.response["Error"].get("Code") == _REFUSED:
            raise QueryFailedError(f"Athena refuses the query: {message}") from error
        raise AthenaUnavailableError(f"the request to Athena failed: {message}") from error
    except BotoCoreError as error:
        raise AthenaUnavailableError(f"the request to Athena failed: {error}") from error
    except (KeyError, ValueError) as error:
        raise AthenaUnavailableError(f"Athena's answer lacks something: {error}") from error
