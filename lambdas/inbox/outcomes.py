"""A delivered command for the event store: its decision, and the end state that is written into its row."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import NoReturn

import msgspec

from lambdas.accounts.commands import Transfer
from lambdas.accounts.errors import InvalidFieldError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.contracts.problems import INVALID_COMMAND, ProblemType
from lambdas.eventsourcing.decider import Committed, Outcome, StoredCommand
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.deliveries import Content
from lambdas.inbox.instructions import Instruction
from lambdas.inbox.stream_records import CommandRow
from lambdas.service.account_service import CommandContext
from lambdas.service.derived_ids import effect_id
from lambdas.service.problems import problem_document, problem_type
from lambdas.service.tasks import Task, task_of, transfer_task

INVALID_KEPT_SECONDS = 7 * 24 * 3600
"""How long the row of an invalid command is kept, body and all: nobody checked what stands in the body. It is as long
as receipts are kept, so a client that repeats its request in time gets the same answer."""


def stored_command(
    content: Content, clock: Callable[[], datetime], test_callers: Collection[str] = ()
) -> StoredCommand[Account, AccountEvent]:
    """A delivered command, for the event store to end; `clock` gives `completed_at`.

    Only `test_callers` may open an account in the test currency.
    """
    row, instruction = content.row, content.instruction

    def succeed(committed: Committed[Account]) -> Outcome:
        account = committed.streams[0]
        if account.state is None:
            raise ValueError(f"account {account.stream_id} does not exist after a command")
        ended = {table.VERSION: account.version, table.BALANCE: account.state.balance}
        return Outcome(table.SUCCEEDED, {table.COMPLETED_AT: format_timestamp(clock()), **ended})

    def reject(error: Exception) -> Outcome:
        kind = rejection_type(error)
        problem = problem_document(error, row.correlation_id, kind)
        now = clock()
        ended: dict[str, str | int] = {table.PROBLEM: msgspec.json.encode(problem).decode()}
        if kind is INVALID_COMMAND:
            ended[table.TTL_ATTRIBUTE] = int(now.timestamp()) + INVALID_KEPT_SECONDS
        return Outcome(table.REJECTED, {table.COMPLETED_AT: format_timestamp(now), **ended})

    key, effect = row.key, effect_id(row.key.account_id, row.key.command_id)
    task = _task(row, instruction, effect, test_callers)
    return StoredCommand(
        scope=key.account_id,
        key=key.command_id,
        stream_ids=task.stream_ids,
        decide=task.decide,
        metadata=CommandContext(effect, row.correlation_id, row.actor).metadata(),
        occurred_at=instruction.occurred_at if isinstance(instruction, Instruction) else "",
        succeed=succeed,
        reject=reject,
        expected=row.expected,
        opens=task.opens,
    )


def rejection_type(error: Exception) -> ProblemType:
    """The problem type of a rejection."""
    return INVALID_COMMAND if isinstance(error, InvalidFieldError) else problem_type(error)


def _task(
    row: CommandRow, instruction: Instruction | InvalidFieldError, effect: str, test_callers: Collection[str]
) -> Task:
    """An invalid command is refused whatever the accounts are like."""
    if isinstance(instruction, InvalidFieldError):
        return Task((), partial(_refuse, instruction))
    if isinstance(instruction.command, Transfer):
        return transfer_task(instruction.command, effect)
    return task_of(instruction.command, row.key.account_id, actor=row.actor, test_callers=test_callers)


def _refuse(error: InvalidFieldError) -> NoReturn:
    raise error
