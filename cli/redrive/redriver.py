"""Retries failed commands: sets each one to PENDING, then invokes the processor with that command alone.

A redrive may crash after any step and can be repeated: the processor gets a PENDING row as it is, and a command that
has ended is never changed. A row that is FAILED, or has failed before, has had its last retry by Lambda. The table's
stream may still deliver any other command, so a redrive never marks it FAILED.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cli.redrive import function_errors
from cli.redrive.inbox import Clients, Inbox
from lambdas.eventsourcing.dynamodb_faults import Fault, classify
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.inbox import table
from lambdas.inbox.deliveries import read_delivery
from lambdas.inbox.marking import FailureMarker
from lambdas.inbox.queues import Stopped
from lambdas.inbox.stream_records import CommandKey, insert_record
from lambdas.inbox.updates import is_conflict, update_row
from lambdas.service.keys import SEPARATOR

ALIAS = "live"
"""The alias of the processor that the stream's mapping invokes, too."""

STREAM_RETENTION = timedelta(hours=24)
"""Source: Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams"."""

NOT_FOUND = "NOT-FOUND"
ENDED = frozenset({table.SUCCEEDED, table.REJECTED})

Row = Mapping[str, Mapping[str, Any]]


class Redriven(msgspec.Struct, frozen=True):
    """A command after a redrive: its status or NOT-FOUND, and a note."""

    key: CommandKey
    status: str
    note: str

    @property
    def ended(self) -> bool:
        """Whether the command has ended, so that nothing is left to do."""
        return self.status in ENDED


class Redriver:
    """Redrives commands one after the other."""

    def __init__(self, clients: Clients, inbox: Inbox, *, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff()
        self._dynamodb = clients.dynamodb
        self._functions = clients.functions
        self._table = inbox.commands_table
        self._function = inbox.command_processor
        self._marker = FailureMarker(clients.dynamodb, inbox.commands_table, clock=utc_now, backoff=self._backoff)

    def redrive(self, keys: Iterable[CommandKey], *, given_up: bool = True) -> Iterator[Redriven]:
        """Redrive commands in the order in which they were submitted. Raises ClientError, BotoCoreError.

        A command that does not end stops the accounts that it touches, as in the processor: later commands on them
        wait, and a transfer among these stops its other account, too. With `given_up` all retries are known to be over.
        Without it, a command that the stream may still deliver is not tried: earlier commands of its account may be on
        their way, too.
        """
        found = {key: self._row(key) for key in keys}
        yield from (Redriven(key, NOT_FOUND, _missing(key)) for key, row in found.items() if row is None)
        rows = [(key, row) for key, row in found.items() if row is not None]
        stopped = Stopped()
        for key, row in sorted(rows, key=lambda each: (_submitted_at(each[1]), each[0])):
            status, accounts = row[table.STATUS]["S"], read_delivery(insert_record(row)).accounts
            if status not in ENDED and stopped.holds(accounts):
                yield Redriven(key, status, "was not tried: an earlier command on the same account has not ended")
                continue
            redriven = self._redrive(key, row, given_up)
            if not redriven.ended:
                stopped.stop(accounts)
            yield redriven

    def _redrive(self, key: CommandKey, row: Row, given_up: bool) -> Redriven:
        status = row[table.STATUS]["S"]
        if status in ENDED:
            return Redriven(key, status, "had ended before; nothing was changed")
        failed_before = status == table.FAILED or table.FAILED_ON in row
        if not (given_up or failed_before) and _submitted_at(row) > format_timestamp(utc_now() - STREAM_RETENTION):
            return Redriven(
                key, status, "was not tried: the stream may still deliver it after earlier ones; or --force"
            )
        try:
            if status == table.FAILED:
                self._make_pending(key)
        except ClientError as error:
            if not is_conflict(error):
                raise
            return Redriven(key, status, "was not tried: its row is in a transaction all the time; try again")
        trouble = self._invoke(row)
        if trouble and failed_before:
            self._marker.mark(insert_record(row))
        after = self._row(key) or row
        status = after[table.STATUS]["S"]
        return Redriven(key, status, _told(after) if status in ENDED else trouble)

    def _row(self, key: CommandKey) -> Row | None:
        """A command's row; None if there is none, or if the row has no status."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=_item_key(key), ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
        )
        row: Row | None = answer.get("Item")
        return row if row is not None and table.STATUS in row else None

    def _make_pending(self, key: CommandKey) -> None:
        """Set a FAILED command to PENDING and keep its day of failure. Another redrive may have done it already."""
        try:
            update_row(self._dynamodb, self._pending(key), self._backoff)
        except ClientError as error:
            if classify(error) is not Fault.CONDITION:
                raise

    def _pending(self, key: CommandKey) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": _item_key(key),
            "UpdateExpression": "SET #status = :pending REMOVE #completed_at, #problem",
            "ConditionExpression": "#status = :failed",
            "ExpressionAttributeNames": {
                "#status": table.STATUS,
                "#completed_at": table.COMPLETED_AT,
                "#problem": table.PROBLEM,
            },
            "ExpressionAttributeValues": {":pending": {"S": table.PENDING}, ":failed": {"S": table.FAILED}},
            "ReturnConsumedCapacity": "TOTAL",
        }

    def _invoke(self, row: Row) -> str:
        """Invoke the processor with one command; returns what went wrong, or ""."""
        event = msgspec.json.encode({"Records": [insert_record(row)]})
        try:
            answer = self._functions.invoke(
                FunctionName=self._function, Qualifier=ALIAS, InvocationType="RequestResponse", Payload=event
            )
        except (ClientError, BotoCoreError) as error:
            return f"the processor could not be invoked: {error}"
        return function_errors.told(answer["Payload"].read()) if answer.get("FunctionError") else ""


def _missing(key: CommandKey) -> str:
    """Clients know their keys alone, so that is what an operator is likely to be told."""
    form = "" if SEPARATOR in key.command_id else f"; an id has the form CALLER{SEPARATOR}KEY"
    return f"no such command is stored{form}"


def _item_key(key: CommandKey) -> dict[str, dict[str, str]]:
    return {table.HASH_KEY: {"S": key.account_id}, table.RANGE_KEY: {"S": key.command_id}}


def _submitted_at(row: Row) -> str:
    return str(row.get(table.SUBMITTED_AT, {}).get("S", ""))


def _told(row: Row) -> str:
    """The result that the row of an ended command holds."""
    if table.VERSION in row:
        return f"version {row[table.VERSION]['N']}, balance {row[table.BALANCE]['N']}"
    problem = msgspec.json.decode(row[table.PROBLEM]["S"]) if table.PROBLEM in row else {}
    return " ".join(str(problem[name]) for name in ("type", "detail") if name in problem)
