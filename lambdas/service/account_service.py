"""Commands and queries on accounts, independent of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, UnsetType

from lambdas.accounts.business_time import MAX_FUTURE, business_time
from lambdas.accounts.commands import AccountCommand, AnyCommand, OpenAccount, Transfer
from lambdas.accounts.errors import AccountAlreadyExistsError, AccountNotFoundError, InvalidFieldError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, History, Idempotency, Loaded, Replayed, StoredCommand
from lambdas.eventsourcing.errors import IdempotencyKeyReusedError, VersionNotFoundError
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import REQUEST_SECONDS
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.eventsourcing.stored_executor import Ended
from lambdas.eventsourcing.timestamps import MAX_CLOCK_ERROR, format_timestamp
from lambdas.service.openings import OpenedBefore, OpeningKeyReusedError, is_opening
from lambdas.service.tasks import Task, task_of, transfer_task

Outcome = Committed[Account] | Replayed
"""A command's result: the accounts after it, or the earlier answer for the same idempotency key."""

SETTLED_AFTER = timedelta(seconds=REQUEST_SECONDS) + 2 * MAX_CLOCK_ERROR
"""20 seconds. What is booked at a moment can be read so long after it at the latest: an attempt in doubt is repeated
with the time of its first sending, for as long as a request may take, the writer's clock may be slow, and the reader's
fast."""


class AccountAt(Struct, frozen=True):
    """An account as the ledger knew it at a moment; version 0 if it did not exist yet.

    It is `settled` when no commit can change it any more.
    """

    account: Loaded[Account]
    settled: bool


class CommandContext(Struct, frozen=True):
    """The actor and the ids of a command. They are recorded in the metadata of its events."""

    command_id: str
    correlation_id: str
    actor: str

    def metadata(self) -> Metadata:
        """The context in the form that the event store records."""
        return Metadata(self.command_id, self.correlation_id, self.actor)


class AccountService:
    """Commands and queries on accounts.

    Only `test_callers`, actors of commands, may open accounts in the test currency. Every method may raise the store's
    errors (see `lambdas.eventsourcing.errors`); each method names the domain errors that it raises.
    """

    def __init__(
        self,
        repository: Repository[Account, AccountEvent],
        *,
        clock: Callable[[], datetime],
        test_callers: Collection[str] = (),
    ) -> None:
        self._repository = repository
        self._clock = clock
        self.test_callers = frozenset(test_callers)

    def execute(
        self,
        command: AccountCommand,
        account_id: str,
        context: CommandContext,
        *,
        expected: frozenset[int] | None = None,
        idempotency: Idempotency[Account] | None = None,
    ) -> Outcome:
        """Decide and append. `expected` are the versions the caller accepts, None for any.

        Raises DomainError, PreconditionFailedError, IdempotencyKeyReusedError, ContentionError.
        """
        task = task_of(command, account_id, actor=context.actor, test_callers=self.test_callers)
        return self._execute(task, command, context, expected, idempotency)

    def open_once(
        self, command: OpenAccount, account_id: str, context: CommandContext, *, idempotency: Idempotency[Account]
    ) -> Outcome | OpenedBefore:
        """Open the account whose id is derived from the caller and the key, or find that this request has opened it.

        `idempotency` keeps no receipt of the rejection that the account exists: its first event says more, and longer.
        Raises OpeningKeyReusedError, IdempotencyKeyReusedError if the key is of a request that opened no account,
        ContentionError.
        """
        try:
            return self.execute(command, account_id, context, idempotency=idempotency)
        except IdempotencyKeyReusedError:  # the receipt has the whole request's hash: it says more than the event
            if self._repository.load(account_id).version == 0:
                raise
            raise OpeningKeyReusedError(idempotency.key, account_id) from None
        except AccountAlreadyExistsError:
            origin = self._repository.origin(account_id)
            if not is_opening(origin, command, context.actor):
                raise OpeningKeyReusedError(idempotency.key, account_id) from None
            return OpenedBefore(Committed(origin.commit_id, (origin.loaded,)))

    def transfer(
        self,
        command: Transfer,
        transfer_id: str,
        context: CommandContext,
        *,
        idempotency: Idempotency[Account] | None = None,
    ) -> Outcome:
        """Move money in one commit; the streams of the result are the sender's and the receiver's.

        Raises DomainError, IdempotencyKeyReusedError, ContentionError.
        """
        return self._execute(transfer_task(command, transfer_id), command, context, None, idempotency)

    def carry_out(self, commands: Sequence[StoredCommand[Account, AccountEvent]]) -> list[Ended[Account]]:
        """Decide, append and end stored commands in one commit, and tell how each ended (see execute_stored).

        Raises FaultyCommandError, ContentionError.
        """
        return self._repository.execute_stored(commands)

    def account(self, account_id: str) -> Loaded[Account]:
        """The account now. Raises AccountNotFoundError."""
        return _existing(self._repository.load(account_id))

    def account_at_version(self, account_id: str, version: int) -> Loaded[Account]:
        """The account as it was at a version. Raises AccountNotFoundError, VersionNotFoundError."""
        try:
            return self._repository.load_version(account_id, version)
        except VersionNotFoundError as error:
            if error.newest == 0:
                raise AccountNotFoundError("the account was never opened") from None
            raise

    def account_at(self, account_id: str, moment: datetime) -> AccountAt:
        """The account as the ledger knew it at `moment`, which is always answered up to its newest booking time.

        Raises InvalidFieldError for a moment that is later than that and more than 5 minutes in the future.
        """
        now = self._clock()  # before the read: what the read does not see is written later
        at = format_timestamp(moment)
        newest = self._repository.load(account_id)
        if at < newest.recorded_at:  # nothing is booked before the newest event any more
            return AccountAt(self._repository.load_at(account_id, at, newest=newest), settled=True)
        if at > newest.recorded_at and moment > now + MAX_FUTURE:
            raise InvalidFieldError("at", "is more than 5 minutes in the future")
        return AccountAt(newest, settled=moment < now - SETTLED_AFTER)

    def history(self, account_id: str, *, before: int | None, limit: int) -> History[AccountEvent]:
        """Events with a version below `before`, newest first. Raises AccountNotFoundError."""
        history = self._repository.history(account_id, before=before, limit=limit)
        if not history.events:
            raise AccountNotFoundError("the account was never opened")
        return history

    def rows(self, account_id: str, *, before: int | None, limit: int) -> list[EventRow]:
        """Rows with a version below `before`, newest first, as they are stored. Raises AccountNotFoundError."""
        rows = self._repository.rows(account_id, before=before, limit=limit)
        if not rows:
            raise AccountNotFoundError("the account was never opened")
        return rows

    def _execute(
        self,
        task: Task,
        command: AnyCommand,
        context: CommandContext,
        expected: frozenset[int] | None,
        idempotency: Idempotency[Account] | None,
    ) -> Outcome:
        return self._repository.execute(
            task.stream_ids,
            task.decide,
            metadata=context.metadata(),
            occurred_at=self._occurred_at(command),
            expected=expected,
            idempotency=idempotency,
            opens=task.opens,
        )

    def _occurred_at(self, command: AnyCommand) -> str | None:
        if isinstance(command.occurred_at, UnsetType):
            return None
        return format_timestamp(business_time(command.occurred_at, self._clock()))


def _existing(loaded: Loaded[Account]) -> Loaded[Account]:
    if loaded.version == 0:
        raise AccountNotFoundError("the account was never opened")
    return loaded
