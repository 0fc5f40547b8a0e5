"""Runs statements on Athena through PyAthena. The emulator's Athena is another endpoint."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import pyathena
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pyathena.error import Error

from cli.environments.lake import Target
from cli.errors import PlaceError, QueryFailedError, plain
from lambdas.eventsourcing.transport import strict

PRICE_PER_TB = 5.0
"""Dollars, of us-east-1 and most regions. Source: the price list of Amazon Athena, SQL queries."""

MINIMUM_BYTES = 10 * 1024**2
"""Each query is charged for at least this much."""

_TB = 1024**4
_LOCAL_POLL_SECONDS = 0.05
_POLL_SECONDS = 0.5


class Result(NamedTuple):
    """Rows of values as PyAthena reads them, and the bytes that were scanned for them."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    bytes_scanned: int

    @property
    def dollars(self) -> float:
        """What Athena charges for it."""
        return max(self.bytes_scanned, MINIMUM_BYTES) / _TB * PRICE_PER_TB


class Session:
    """A connection to one workgroup and database. Raises PlaceError when AWS's configuration is not complete."""

    def __init__(self, target: Target) -> None:
        logging.getLogger("pyathena").setLevel(logging.CRITICAL)  # it logs a traceback for every wrong statement
        emulated = target.athena_endpoint_url is not None
        settings: dict[str, Any] = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if emulated else {}
        if emulated:
            settings["endpoint_url"] = target.athena_endpoint_url
        try:
            self._connection = pyathena.connect(
                work_group=target.athena_workgroup,
                schema_name=target.glue_database,
                region_name=target.region,
                poll_interval=_LOCAL_POLL_SECONDS if emulated else _POLL_SECONDS,
                kill_on_interrupt=True,
                config=Config(retries={"total_max_attempts": 5, "mode": "standard"}),
                **settings,
            )
            strict(self._connection.client)
        except (BotoCoreError, Error, ValueError, AssertionError) as error:
            raise PlaceError(f"Athena cannot be reached: {plain(error)}.") from error

    def run(self, statement: str) -> Result:
        """Run one statement to its end. Raises QueryFailedError."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()]
            columns = [str(column[0]) for column in cursor.description or []]
        except (Error, BotoCoreError, ClientError) as error:
            raise QueryFailedError(sentence(error)) from error
        except KeyError as error:
            raise QueryFailedError(f"Athena's answer lacks {error}.") from error
        return Result(columns, rows, cursor.data_scanned_in_bytes or 0)


def sentence(error: Exception) -> str:
    """What went wrong, in one sentence that a person can act on."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    reason = reason.rpartition("operation: ")[2].rstrip(".")
    lowered = reason.lower()
    if "bytes scanned limit" in lowered:
        return "The query would scan more than the workgroup allows and was cancelled: read fewer days (dt) or columns."
    if "table_not_found" in lowered or ("table" in lowered and "does not exist" in lowered):
        return f"There is no such table or view: {reason.removeprefix('TABLE_NOT_FOUND: ')}."
    if "StartQueryExecution" in str(error) and "InvalidRequestException" in str(error):
        return f"Athena refuses the statement: {reason}."
    return f"The query failed: {reason}."
