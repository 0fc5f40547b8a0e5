"""The end state that is written into a command's row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from lambdas.accounts.errors import InvalidFieldError
from lambdas.accounts.state import Account
from lambdas.contracts.problems import INVALID_COMMAND
from lambdas.eventsourcing.decider import Committed, Outcome, StoredCommand
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.stream_records import CommandRow
from lambdas.service.problems import problem_document

INVALID_KEPT_SECONDS = 7 * 24 * 3600
"""How long the row of an invalid command is kept, body and all: nobody checked what stands in the body. It is as long
as receipts are kept, so a client that repeats its request in time gets the same answer."""


def stored_command(row: CommandRow, clock: Callable[[], datetime]) -> StoredCommand[Account]:
    """The command of a row, for the event store to end; `clock` gives `completed_at`."""

    def succeed(committed: Committed[Account]) -> Outcome:
        account = committed.streams[0]
        if account.state is None:
            raise ValueError(f"account {account.stream_id} does not exist after a command")
        ended = {table.VERSION: account.version, table.BALANCE: account.state.balance}
        return Outcome(table.SUCCEEDED, {table.COMPLETED_AT: format_timestamp(clock()), **ended})

    def reject(error: Exception) -> Outcome:
        kind = INVALID_COMMAND if isinstance(error, InvalidFieldError) else None
        problem = problem_document(error, row.correlation_id, kind)
        now = clock()
        ended: dict[str, str | int] = {table.PROBLEM: msgspec.json.encode(problem).decode()}
        if kind is INVALID_COMMAND:
            ended[table.TTL_ATTRIBUTE] = int(now.timestamp()) + INVALID_KEPT_SECONDS
        return Outcome(table.REJECTED, {table.COMPLETED_AT: format_timestamp(now), **ended})

    return StoredCommand(row.key.account_id, row.key.command_id, succeed, reject, row.expected)
