"""Carries out the commands of one queue in runs: those of a run end in one transaction, or all of them stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed
from lambdas.eventsourcing.errors import FaultyCommandError, StoredCommandCompletedError, StoredCommandDiffersError
from lambdas.eventsourcing.limits import MAX_COMMIT_ACTIONS, MAX_RUN_BYTES, MAX_RUN_COMMANDS
from lambdas.eventsourcing.stored_executor import Ended
from lambdas.inbox.deliveries import Content, Delivery
from lambdas.inbox.outcomes import stored_command
from lambdas.inbox.queues import Stopped
from lambdas.inbox.reasons import reason_of
from lambdas.inbox.results import Processed, ended, failed, failure_of
from lambdas.service.account_service import AccountService

COMMAND_BYTES = 3 * 1024
"""What a command takes besides its body, at the most: its other attributes twice, how it ended, and the row of an event
with its snapshot. A transfer has two rows and is counted as two commands."""


class QueueRunner:
    """Carries out one queue. It stops accounts at a technical failure, and what is behind it on them."""

    def __init__(
        self,
        service: AccountService,
        clock: Callable[[], datetime],
        may_start: Callable[[], bool],
        most_commands: int = MAX_RUN_COMMANDS,
    ) -> None:
        self._service = service
        self._clock = clock
        self._may_start = may_start
        self._most_commands = most_commands
        self._stopped = Stopped()
        self._processed = Processed()

    def run(self, queue: Sequence[Delivery]) -> Processed:
        """Carry out the commands of a queue in their order. No run starts once `may_start()` is False."""
        for run in runs_of(queue, self._most_commands):
            self._carry_out(run)
        return self._processed

    def _carry_out(self, run: Sequence[Delivery]) -> None:
        """One run. What points at one of its commands halves it, until that command is alone."""
        contents = [(each, content) for each in run if (content := self._content(each)) is not None]
        going = [each for each, _ in contents]
        if not going:
            return
        if not self._may_start():
            self._leave(going)
            return
        try:
            callers = self._service.test_callers
            ends = self._service.carry_out([stored_command(content, self._clock, callers) for _, content in contents])
        except FaultyCommandError as error:
            if len(going) == 1:
                self._fail(going, error.reason)
                return
            middle = len(going) // 2
            self._carry_out(going[:middle])
            self._carry_out(going[middle:])
        except Exception as error:  # noqa: BLE001 - whatever it is, none of them has ended and all come again
            self._fail(going, error)
        else:
            for delivery, end in zip(going, ends, strict=True):
                self._count(delivery, end)

    def _content(self, delivery: Delivery) -> Content | None:
        """What is to be carried out; None if it has to wait, or cannot be read."""
        if self._stopped.holds(delivery.accounts):
            self._processed.left += 1
            return None
        if isinstance(delivery.content, Exception):
            self._fail([delivery], delivery.content)
            return None
        return delivery.content

    def _leave(self, run: Sequence[Delivery]) -> None:
        for each in run:
            self._processed.left += 1
            self._stopped.stop(each.accounts)

    def _fail(self, run: Sequence[Delivery], error: Exception) -> None:
        for each in run:
            self._processed.add(failed(each, error))
            self._stopped.stop(each.accounts)

    def _count(self, delivery: Delivery, end: Ended[Account]) -> None:
        processed = self._processed
        if isinstance(end, Committed):
            processed.succeeded += 1
            processed.ended.append(ended(delivery, end))
        elif isinstance(end, StoredCommandCompletedError):
            processed.repeated += 1
        elif isinstance(end, StoredCommandDiffersError):
            processed.differing = [*processed.differing, failure_of(delivery, reason_of(end))]
        else:
            processed.rejected += 1
            processed.ended.append(ended(delivery, end))


def runs_of(queue: Sequence[Delivery], most_commands: int = MAX_RUN_COMMANDS) -> Iterator[list[Delivery]]:
    """Cut a queue into runs that fit one transaction."""
    run: list[Delivery] = []
    actions = size = 0
    for each in queue:
        more_actions, more_bytes = 1 + len(each.accounts), _bytes(each)
        full = len(run) == most_commands or actions + more_actions > MAX_COMMIT_ACTIONS
        if run and (full or size + more_bytes > MAX_RUN_BYTES):
            yield run
            run, actions, size = [], 0, 0
        run.append(each)
        actions += more_actions
        size += more_bytes
    if run:
        yield run


def _bytes(delivery: Delivery) -> int:
    body = len(delivery.content.row.body) if isinstance(delivery.content, Content) else 0
    return 2 * body + COMMAND_BYTES * len(delivery.accounts)
