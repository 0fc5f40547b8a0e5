"""Clients of the account service that write down what they asked, when, and what they were told."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from lambdas.accounts.commands import AnyCommand, Transfer
from lambdas.accounts.errors import AccountNotFoundError, DomainError
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Idempotency, Replayed, StoredCommand
from lambdas.eventsourcing.decider import Outcome as End
from lambdas.eventsourcing.errors import (
    ContentionError,
    FaultyCommandError,
    IdempotencyKeyReusedError,
    NotAppliedError,
    OutcomeUnknownError,
    PreconditionFailedError,
    StoredCommandCompletedError,
    StoredCommandMissingError,
)
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.store import EventStore
from lambdas.inbox import table
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.service.tasks import task_of, transfer_task
from tests.support.clocks import Ticks

RECEIPT_SECONDS = 7 * 24 * 3600
OCCURRED_AT = "2026-03-01T11:59:00.000Z"
"""Of stored commands: when they were submitted."""
PRECONDITION_FAILED = "precondition-failed"
FAILURES = (
    ContentionError,
    NotAppliedError,
    OutcomeUnknownError,
    IdempotencyKeyReusedError,
    StoredCommandMissingError,
)


@dataclass(frozen=True)
class Accepted:
    """The command took effect: the versions of its streams after it."""

    versions: tuple[int, ...]


@dataclass(frozen=True)
class Rejected:
    """The business said no, by a stable code; `version` is told by a failed precondition only."""

    code: str
    version: int | None = None


@dataclass(frozen=True)
class Failed:
    """A technical failure, by the class of its error."""

    error: type[Exception]


@dataclass(frozen=True)
class Ended:
    """The stored command had reached this status before."""

    status: str


Outcome: TypeAlias = Accepted | Rejected | Failed | Ended


@dataclass(frozen=True)
class Order:
    """A client's command. `label` names it in the history; sent again, it keeps its label, and its key if keyed.

    A stored one waits under the first account and its label, and is sent by a processor. It has no key and expects no
    version.
    """

    label: str
    command: AnyCommand
    account_ids: tuple[str, ...]
    keyed: bool = False
    expected: frozenset[int] | None = None
    stored: bool = False


@dataclass(frozen=True)
class Answer:
    """One sending of an order: the ticks before and after it, and what came back."""

    order: Order
    started: int
    ended: int
    outcome: Outcome


@dataclass
class Recorder:
    """Sends orders and keeps the answers. Thread-safe."""

    ticks: Ticks
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def send(self, bank: AccountService, order: Order) -> Outcome:
        """Send once. An error that is not documented is raised."""
        started = self.ticks()
        outcome = _outcome(bank, order)
        answer = Answer(order, started, self.ticks(), outcome)
        with self._lock:
            self.answers.append(answer)
        return outcome


def new_bank(store: EventStore, clock: Callable[[], datetime], **options: Any) -> AccountService:
    """A service with a repository, and so a cache, of its own; `options` are the repository's."""
    return AccountService(Repository(store, ACCOUNT_DECIDER, clock=clock, **options), clock=clock)


def transfer_id(label: str) -> str:
    """The transfer id that goes with a label."""
    digest = hashlib.sha256(label.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def account_id(number: int) -> str:
    """The id of the account with this number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def _outcome(bank: AccountService, order: Order) -> Outcome:
    try:
        result = _send(bank, order)
    except DomainError as error:
        return Rejected(error.code)
    except PreconditionFailedError as error:
        return Rejected(PRECONDITION_FAILED, error.version)
    except StoredCommandCompletedError as error:
        return Ended(error.status)
    except FAILURES as error:
        return Failed(type(error))
    return _remembered(result.receipt.response) if isinstance(result, Replayed) else _accepted(result)


def _send(bank: AccountService, order: Order) -> Committed[Account] | Replayed:
    context = CommandContext(order.label, "correlation", "tester")
    if order.stored:
        return _process(bank, order, context)
    idempotency = _idempotency(order) if order.keyed else None
    if isinstance(order.command, Transfer):
        return bank.transfer(order.command, transfer_id(order.label), context, idempotency=idempotency)
    return bank.execute(order.command, order.account_ids[0], context, expected=order.expected, idempotency=idempotency)


def _process(bank: AccountService, order: Order, context: CommandContext) -> Committed[Account]:
    if isinstance(order.command, Transfer):
        task = transfer_task(order.command, transfer_id(order.label))
    else:
        task = task_of(order.command, order.account_ids[0], actor="", test_callers=())
    stored = StoredCommand(
        order.account_ids[0], order.label, task.stream_ids, task.decide, context.metadata(), OCCURRED_AT,
        _succeeded, _rejected, expected={}, opens=task.opens,
    )  # fmt: skip
    try:
        (ended,) = bank.carry_out([stored])
    except FaultyCommandError as error:
        raise error.reason from None
    if isinstance(ended, Exception):
        raise ended
    return ended


def _succeeded(committed: Committed[Account]) -> End:
    first = committed.streams[0]
    return End(
        table.SUCCEEDED, {table.VERSION: first.version, table.BALANCE: first.state.balance if first.state else 0}
    )


def _rejected(error: Exception) -> End:
    assert isinstance(error, DomainError)
    return End(table.REJECTED, {table.PROBLEM: error.code})


def _accepted(committed: Committed[Account]) -> Accepted:
    return Accepted(tuple(stream.version for stream in committed.streams))


def _idempotency(order: Order) -> Idempotency[Account]:
    return Idempotency(
        scope=order.account_ids[0],
        key=order.label,
        request_hash=hashlib.sha256(repr((order.command, order.expected)).encode()).digest(),
        ttl=RECEIPT_SECONDS,
        respond=lambda committed: json.dumps({"versions": _accepted(committed).versions}),
        reject=_rejection_to_remember,
    )


def _rejection_to_remember(error: Exception) -> str | None:
    if isinstance(error, PreconditionFailedError):
        return json.dumps({"code": PRECONDITION_FAILED, "version": error.version})
    if isinstance(error, DomainError) and not isinstance(error, AccountNotFoundError):
        return json.dumps({"code": error.code, "version": None})
    return None


def _remembered(text: str) -> Accepted | Rejected:
    fields = json.loads(text)
    if "code" in fields:
        return Rejected(fields["code"], fields["version"])
    return Accepted(tuple(fields["versions"]))
