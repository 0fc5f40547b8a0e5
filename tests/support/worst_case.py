"""The largest rows and answers that the accounts' text and number bounds allow.

JSON writes a quotation mark as two bytes, so a reference of 64 of them takes 128. Amounts have 15 digits and balances
16; ids, keys and the principal have the lengths that the HTTP API and IAM allow.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from lambdas.accounts.commands import CreditAccount, Transfer, WithdrawFromAccount
from lambdas.accounts.events import AccountCreated, AccountEvent, TransferReceived, TransferSent
from lambdas.accounts.money import MAX_AMOUNT
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Idempotency
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.rows import EventRow
from lambdas.httpapi.problems import problem_reply
from lambdas.httpapi.replies import remember
from lambdas.httpapi.views import account_reply, transfer_reply
from lambdas.service.account_service import CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.service.keys import stored_key
from tests.support.recording import whole_history

REFERENCE = '"' * 64
CORRELATION_ID = "c" * 64
ACTOR = "AROA" + "A" * 17
KEY = stored_key(ACTOR, "k" * 64)
COMMAND_ID = "dddddddd-dddd-4ddd-bddd-dddddddddddd"
"""A UUID, whichever way a command came."""
CONTEXT = CommandContext(command_id=COMMAND_ID, correlation_id=CORRELATION_ID, actor=ACTOR)
OCCURRED_AT = "2026-03-01T12:00:00.123Z"
TRANSFER_ID = "ffffffff-ffff-4fff-bfff-ffffffffffff"
OTHER_ACCOUNT_ID = "eeeeeeee-eeee-4eee-beee-eeeeeeeeeeee"
AMOUNT = 123_456_789_012_345

CREDIT = CreditAccount(amount=AMOUNT, reference=REFERENCE)
WITHDRAWAL = WithdrawFromAccount(amount=AMOUNT, reference=REFERENCE)


def transfer(source: str, target: str) -> Transfer:
    """A transfer with the longest of everything."""
    return Transfer(from_account_id=source, to_account_id=target, amount=AMOUNT, reference=REFERENCE)


def idempotency(account_id: str) -> Idempotency[Account]:
    """A request under the longest key, remembered as the HTTP API remembers it."""

    def respond(committed: Committed[Account]) -> str:
        if len(committed.streams) > 1:
            return remember(transfer_reply(TRANSFER_ID)(committed))
        return remember(account_reply(committed.streams[0]))

    return Idempotency(
        scope=account_id,
        key=KEY,
        request_hash=bytes(range(32)),
        ttl=7 * 24 * 3600,
        respond=respond,
        reject=lambda error: remember(problem_reply(error, CORRELATION_ID)),
    )


def events(count: int) -> list[AccountEvent]:
    """The history of an account whose every row is nearly as large as a row can be; its balance stays in bounds."""
    opened = AccountCreated(currency="EUR", overdraft_limit=MAX_AMOUNT)
    return [opened, *(_sent() if number // 20 % 2 else _received() for number in range(1, count))]


def rows(account_id: str, count: int, clock: Callable[[], datetime]) -> list[EventRow]:
    """The rows of `events`, each a commit of its own."""
    store = InMemoryEventStore()
    repo: Repository[Account, AccountEvent] = Repository(store, ACCOUNT_DECIDER, clock=clock)
    for event in events(count):
        append(repo, account_id, event)
    return whole_history(store, account_id)


def append(repo: Repository[Account, AccountEvent], account_id: str, event: AccountEvent) -> None:
    """Append an event that no rule allowed."""
    repo.execute((account_id,), lambda state: ([event],), metadata=CONTEXT.metadata(), occurred_at=OCCURRED_AT)


def at_the_end_of(length: int, account_id: str, clock: Callable[[], datetime]) -> list[EventRow]:
    """The newest 31 to 40 rows of so long a history, from a snapshot on."""
    shown = length % 10 + 30 if length > 40 else length
    return [
        msgspec.structs.replace(row, version=row.version + length - shown) for row in rows(account_id, shown, clock)
    ]


def _received() -> TransferReceived:
    return TransferReceived(
        transfer_id=TRANSFER_ID,
        from_account_id=OTHER_ACCOUNT_ID,
        amount=AMOUNT,
        currency="EUR",
        reference=REFERENCE,
    )


def _sent() -> TransferSent:
    return TransferSent(
        transfer_id=TRANSFER_ID,
        to_account_id=OTHER_ACCOUNT_ID,
        amount=AMOUNT,
        currency="EUR",
        reference=REFERENCE,
    )
