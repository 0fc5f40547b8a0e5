"""Processes one batch of the commands table's stream: commands of one account in order, accounts in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from lambdas.accounts.commands import Transfer
from lambdas.accounts.errors import DomainError, InvalidFieldError
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import StoredCommand
from lambdas.eventsourcing.errors import StoredCommandCompletedError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Completion
from lambdas.eventsourcing.store import EventStore
from lambdas.inbox.batches import read_batch
from lambdas.inbox.instructions import instruction_of
from lambdas.inbox.outcomes import stored_command
from lambdas.inbox.reasons import reason_of
from lambdas.inbox.stream_records import CommandRow, StreamRecord, correlation_of, key_of, row_of
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.derived_ids import effect_id

WORKERS = 10
"""How many accounts are processed in parallel: the size of botocore's connection pool."""


class Failure(msgspec.Struct, frozen=True):
    """A command that failed for a technical reason; the ids are empty when the stream record has none."""

    account_id: str
    command_id: str
    reason: str
    correlation_id: str = ""


class Processed(msgspec.Struct):
    """Counts of commands. `left` have not ended, failures included; `repeated` had ended before (redelivery)."""

    succeeded: int = 0
    rejected: int = 0
    repeated: int = 0
    left: int = 0
    failures: list[Failure] = []

    def add(self, other: Processed) -> None:
        """Add the counts and failures of `other`."""
        self.succeeded += other.succeeded
        self.rejected += other.rejected
        self.repeated += other.repeated
        self.left += other.left
        self.failures = [*self.failures, *other.failures]


class CommandProcessor:
    """Carries out stored commands. Each command ends in the same transaction as its events.

    Idempotent: a redelivered record changes nothing. An account stops at its first technical failure; the failed
    command and those behind it are redelivered in order. Other accounts go on.
    """

    def __init__(
        self,
        service: AccountService,
        store: EventStore,
        *,
        clock: Callable[[], datetime],
        new_commit_id: Callable[[], str],
        new_deadline: Callable[[], Deadline] = Deadline,
        workers: int = WORKERS,
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._new_commit_id = new_commit_id
        self._new_deadline = new_deadline
        self._workers = workers

    def process(self, records: Iterable[StreamRecord], may_start: Callable[[], bool]) -> Processed:
        """Carry out the new commands of a batch; no command starts once `may_start()` is False."""
        batch = read_batch(records)
        processed = Processed(left=len(batch.unreadable), failures=[Failure("", "", each) for each in batch.unreadable])

        def process_account(commands: Sequence[StreamRecord]) -> Processed:
            return self._account(commands, may_start)

        workers = min(self._workers, len(batch.accounts))
        if workers <= 1:
            results = [process_account(commands) for commands in batch.accounts.values()]
        else:
            with ThreadPoolExecutor(workers) as pool:
                results = list(pool.map(process_account, batch.accounts.values()))
        for each in results:
            processed.add(each)
        return processed

    def _account(self, commands: Sequence[StreamRecord], may_start: Callable[[], bool]) -> Processed:
        processed = Processed()
        for done, record in enumerate(commands):
            if not may_start():
                processed.left = len(commands) - done
                break
            try:
                self._command(row_of(record), processed)
            except Exception as error:  # noqa: BLE001 - whatever it is, the command has not ended and is redelivered
                key = key_of(record)
                processed.left = len(commands) - done
                reason, correlation_id = reason_of(error), correlation_of(record) or ""
                processed.failures = [Failure(key.account_id, key.command_id, reason, correlation_id)]
                break
        return processed

    def _command(self, row: CommandRow, processed: Processed) -> None:
        """Carry out one command and count how it ended. Raises on a technical failure."""
        try:
            self._carry_out(row, stored_command(row, self._clock))
        except DomainError:
            processed.rejected += 1
        except StoredCommandCompletedError:
            processed.repeated += 1
        else:
            processed.succeeded += 1

    def _carry_out(self, row: CommandRow, stored: StoredCommand[Account]) -> None:
        """Raises DomainError after the row says REJECTED."""
        try:
            instruction = instruction_of(row)
        except InvalidFieldError as error:
            self._refuse(stored, error)
            raise
        key, command, occurred_at = row.key, instruction.command, instruction.occurred_at
        effect = effect_id(key.account_id, key.command_id)
        context = CommandContext(effect, row.correlation_id, row.actor)
        if isinstance(command, Transfer):
            self._service.transfer_stored(command, effect, context, occurred_at=occurred_at, stored=stored)
        else:
            self._service.execute_stored(command, key.account_id, context, occurred_at=occurred_at, stored=stored)

    def _refuse(self, stored: StoredCommand[Account], error: InvalidFieldError) -> None:
        """Reject a body that is not a valid command, without reading an account."""
        commit_id = self._new_commit_id()

        def build() -> Commit:
            outcome = stored.reject(error)
            completion = Completion(stored.scope, stored.key, commit_id, outcome.status, outcome.attributes)
            return Commit(commit_id, (), completion=completion)

        self._store.commit(build, deadline=self._new_deadline())
