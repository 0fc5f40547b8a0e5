"""Processes one batch of the commands table's stream: commands of one queue in order, queues in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from lambdas.accounts.commands import Transfer
from lambdas.accounts.errors import DomainError, InvalidFieldError
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import StoredCommand
from lambdas.eventsourcing.errors import StoredCommandCompletedError, StoredCommandDiffersError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Completion
from lambdas.eventsourcing.store import EventStore
from lambdas.inbox.batches import read_batch
from lambdas.inbox.deliveries import Delivery
from lambdas.inbox.instructions import Instruction
from lambdas.inbox.outcomes import stored_command
from lambdas.inbox.queues import Stopped
from lambdas.inbox.reasons import reason_of
from lambdas.inbox.results import Processed, failed, failure_of
from lambdas.inbox.stream_records import CommandRow, StreamRecord
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.derived_ids import derived_uuid

WORKERS = 10
"""How many queues are processed in parallel: the size of botocore's connection pool."""


class CommandProcessor:
    """Carries out stored commands. Each command ends in the same transaction as its events.

    Idempotent: a redelivered record changes nothing, nor does one that tells a command otherwise than it is stored. A
    technical failure stops the accounts that its command touches; it and those behind it are redelivered in order.
    Other accounts go on.
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
        processed = batch.others

        def process_queue(queue: Sequence[Delivery]) -> Processed:
            return self._queue(queue, may_start)

        workers = min(self._workers, len(batch.queues))
        if workers <= 1:
            results = [process_queue(queue) for queue in batch.queues]
        else:
            with ThreadPoolExecutor(workers) as pool:
                results = list(pool.map(process_queue, batch.queues))
        for each in results:
            processed.add(each)
        return processed

    def _queue(self, queue: Sequence[Delivery], may_start: Callable[[], bool]) -> Processed:
        processed, stopped = Processed(), Stopped()
        for delivery in queue:
            if stopped.holds(delivery.accounts):
                processed.left += 1
            elif not may_start():
                processed.left += 1
                stopped.stop(delivery.accounts)
            else:
                try:
                    self._command(delivery, processed)
                except Exception as error:  # noqa: BLE001 - whatever it is, the command has not ended and comes again
                    processed.add(failed(delivery, error))
                    stopped.stop(delivery.accounts)
        return processed

    def _command(self, delivery: Delivery, processed: Processed) -> None:
        """Carry out one command and count how it ended. Raises on a technical failure."""
        if delivery.row is None or delivery.instruction is None:
            raise delivery.trouble or AssertionError("neither read nor in trouble")
        try:
            self._carry_out(delivery.row, delivery.instruction, stored_command(delivery.row, self._clock))
        except DomainError:
            processed.rejected += 1
        except StoredCommandCompletedError:
            processed.repeated += 1
        except StoredCommandDiffersError as error:
            processed.differing = [*processed.differing, failure_of(delivery, reason_of(error))]
        else:
            processed.succeeded += 1

    def _carry_out(
        self, row: CommandRow, instruction: Instruction | InvalidFieldError, stored: StoredCommand[Account]
    ) -> None:
        """Raises DomainError after the row says REJECTED."""
        if isinstance(instruction, InvalidFieldError):
            self._refuse(stored, instruction)
            raise instruction
        key, command, occurred_at = row.key, instruction.command, instruction.occurred_at
        context = CommandContext(key.command_id, row.correlation_id, row.actor)
        if isinstance(command, Transfer):
            transfer_id = derived_uuid(key.account_id, key.command_id)
            self._service.transfer_stored(command, transfer_id, context, occurred_at=occurred_at, stored=stored)
        else:
            self._service.execute_stored(command, key.account_id, context, occurred_at=occurred_at, stored=stored)

    def _refuse(self, stored: StoredCommand[Account], error: InvalidFieldError) -> None:
        """Reject a body that is not a valid command, without reading an account."""
        commit_id = self._new_commit_id()

        def build() -> Commit:
            outcome = stored.reject(error)
            completion = Completion(
                stored.scope, stored.key, commit_id, outcome.status, outcome.attributes, stored.expected
            )
            return Commit(commit_id, (), completion=completion)

        self._store.commit(build, deadline=self._new_deadline())
