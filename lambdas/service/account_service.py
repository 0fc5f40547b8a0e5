"""Commands and queries on accounts, independent of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, UnsetType

from lambdas.accounts.business_time import business_time
from lambdas.accounts.commands import AccountCommand, AnyCommand, OpenAccount, Transfer
from lambdas.accounts.decider import decide, decide_transfer
from lambdas.accounts.errors import AccountNotFoundError, InvalidFieldError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, History, Idempotency, Loaded, Replayed, StoredCommand
from lambdas.eventsourcing.errors import VersionNotFoundError
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.rows import Metadata
from lambdas.eventsourcing.timestamps import format_timestamp

Outcome = Committed[Account] | Replayed
"""A command's result: the accounts after it, or the earlier answer for the same idempotency key."""


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

    Every method may raise the store's errors (see `lambdas.eventsourcing.errors`); each method names the domain
    errors that it raises.
    """

    def __init__(self, repository: Repository[Account, AccountEvent], *, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._clock = clock

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
        return self._repository.execute(
            (account_id,),
            lambda state: (decide(command, state),),
            metadata=context.metadata(),
            occurred_at=self._occurred_at(command),
            expected=expected,
            idempotency=idempotency,
            opens=isinstance(command, OpenAccount),
        )

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
        return self._repository.execute(
            (command.from_account_id, command.to_account_id),
            _transfer_decision(command, transfer_id),
            metadata=context.metadata(),
            occurred_at=self._occurred_at(command),
            idempotency=idempotency,
        )

    def execute_stored(
        self,
        command: AccountCommand,
        account_id: str,
        context: CommandContext,
        *,
        occurred_at: str,
        stored: StoredCommand[Account],
    ) -> Outcome:
        """Decide, append and end the stored command in one commit. Its business time is `occurred_at`, unchecked.

        Raises DomainError after the rejection is stored, StoredCommandCompletedError, StoredCommandMissingError,
        ContentionError.
        """
        return self._repository.execute(
            (account_id,),
            lambda state: (decide(command, state),),
            metadata=context.metadata(),
            occurred_at=occurred_at,
            stored=stored,
            opens=isinstance(command, OpenAccount),
        )

    def transfer_stored(
        self,
        command: Transfer,
        transfer_id: str,
        context: CommandContext,
        *,
        occurred_at: str,
        stored: StoredCommand[Account],
    ) -> Outcome:
        """Move money and end the stored command in one commit; otherwise as `execute_stored`."""
        return self._repository.execute(
            (command.from_account_id, command.to_account_id),
            _transfer_decision(command, transfer_id),
            metadata=context.metadata(),
            occurred_at=occurred_at,
            stored=stored,
        )

    def account(self, account_id: str) -> Loaded[Account]:
        """The account now. Raises AccountNotFoundError."""
        return _existing(self._repository.load(account_id))

    def account_at_version(self, account_id: str, version: int) -> Loaded[Account]:
        """The account as it was at a version. Raises AccountNotFoundError, VersionNotFoundError."""
        try:
            return self._repository.load_version(account_id, version)
        except VersionNotFoundError as error:
            if error.newest == 0:
                raise AccountNotFoundError("the account does not exist") from None
            raise

    def account_at(self, account_id: str, moment: datetime) -> Loaded[Account]:
        """The account as the ledger knew it at `moment`.

        Raises InvalidFieldError for a moment in the future, AccountNotFoundError for one before the first event.
        """
        at = format_timestamp(moment)
        if moment > self._clock():
            raise InvalidFieldError("at", "is in the future")
        loaded = self._repository.load_at(account_id, at)
        if loaded.version == 0:
            raise AccountNotFoundError("the account did not exist at that time")
        return loaded

    def history(self, account_id: str, *, before: int | None, limit: int) -> History[AccountEvent]:
        """Events with a version below `before`, newest first. Raises AccountNotFoundError."""
        history = self._repository.history(account_id, before=before, limit=limit)
        if not history.events:
            raise AccountNotFoundError("the account does not exist")
        return history

    def _occurred_at(self, command: AnyCommand) -> str | None:
        if isinstance(command.occurred_at, UnsetType):
            return None
        return format_timestamp(business_time(command.occurred_at, self._clock()))


def _transfer_decision(
    command: Transfer, transfer_id: str
) -> Callable[[Account | None, Account | None], tuple[Sequence[AccountEvent], ...]]:
    def decide_accounts(sender: Account | None, receiver: Account | None) -> tuple[Sequence[AccountEvent], ...]:
        sent, received = decide_transfer(command, sender, receiver, transfer_id)
        return (sent,), (received,)

    return decide_accounts


def _existing(loaded: Loaded[Account]) -> Loaded[Account]:
    if loaded.version == 0:
        raise AccountNotFoundError("the account does not exist")
    return loaded
