"""The service over the in-memory store."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lambdas.accounts.commands import AnyCommand, CreditAccount, OpenAccount, Transfer, WithdrawFromAccount
from lambdas.accounts.errors import (
    AccountAlreadyExistsError,
    AccountNotFoundError,
    InsufficientFundsError,
    InvalidFieldError,
    SameAccountError,
)
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Outcome, StoredCommand
from lambdas.eventsourcing.errors import PreconditionFailedError, StoredCommandCompletedError, VersionNotFoundError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.account_service import Outcome as Result
from lambdas.service.tasks import task_of, transfer_task
from tests.support.bank import account_id, new_bank, transfer_id
from tests.support.clocks import START, TickingClock

A, B = account_id(1), account_id(2)
CONTEXT = CommandContext("command", "correlation", "tester")
NOW_OR_LATER = START + timedelta(hours=1)


@pytest.fixture
def bank() -> AccountService:
    return new_bank(InMemoryEventStore(), TickingClock())


@pytest.fixture
def opened(bank: AccountService) -> AccountService:
    """Account A with a balance of 100 at version 2."""
    bank.execute(OpenAccount(currency="EUR"), A, CONTEXT)
    bank.execute(CreditAccount(amount=100), A, CONTEXT)
    return bank


def after(outcome: Result) -> list[tuple[str, int, int]]:
    """(account, version, balance) of each account of a command."""
    assert isinstance(outcome, Committed)
    return [(each.stream_id, each.version, each.state.balance) for each in outcome.streams if each.state]


def test_a_command_gives_the_account_after_it(opened: AccountService) -> None:
    assert after(opened.execute(WithdrawFromAccount(amount=40), A, CONTEXT)) == [(A, 3, 60)]
    assert opened.account(A).state == Account("open", "EUR", 60, 0)


def test_an_account_is_opened_once(opened: AccountService) -> None:
    with pytest.raises(AccountAlreadyExistsError):
        opened.execute(OpenAccount(currency="EUR"), A, CONTEXT)


def test_a_rejected_command_leaves_no_trace(opened: AccountService) -> None:
    with pytest.raises(InsufficientFundsError):
        opened.execute(WithdrawFromAccount(amount=101), A, CONTEXT)
    assert opened.account(A).version == 2


def test_a_command_at_an_unexpected_version(opened: AccountService) -> None:
    with pytest.raises(PreconditionFailedError):
        opened.execute(CreditAccount(amount=1), A, CONTEXT, expected=frozenset({1}))
    assert after(opened.execute(CreditAccount(amount=1), A, CONTEXT, expected=frozenset({1, 2}))) == [(A, 3, 101)]


def test_a_transfer_gives_sender_and_receiver(opened: AccountService) -> None:
    opened.execute(OpenAccount(currency="EUR"), B, CONTEXT)
    command = Transfer(from_account_id=A, to_account_id=B, amount=30)
    outcome = opened.transfer(command, transfer_id("t"), CONTEXT)
    assert after(outcome) == [(A, 3, 70), (B, 2, 30)]


def test_a_transfer_to_itself(opened: AccountService) -> None:
    command = Transfer(from_account_id=A, to_account_id=A, amount=30)
    with pytest.raises(SameAccountError):
        opened.transfer(command, transfer_id("t"), CONTEXT)
    assert opened.account(A).version == 2


def test_business_time_is_the_given_one_or_now(opened: AccountService) -> None:
    opened.execute(CreditAccount(amount=1, occurred_at="2025-12-31T23:00:00-02:00"), A, CONTEXT)
    newest, before = opened.history(A, before=None, limit=2).events
    assert newest.occurred_at == "2026-01-01T01:00:00.000Z"
    assert START < datetime.fromisoformat(newest.recorded_at) < NOW_OR_LATER
    assert START <= datetime.fromisoformat(before.occurred_at) < NOW_OR_LATER


def test_business_time_in_the_future(opened: AccountService) -> None:
    command = CreditAccount(amount=1, occurred_at=NOW_OR_LATER.isoformat())
    with pytest.raises(InvalidFieldError):
        opened.execute(command, A, CONTEXT)


def test_unknown_accounts(bank: AccountService) -> None:
    for ask in (
        lambda: bank.account(A),
        lambda: bank.account_at_version(A, 1),
        lambda: bank.history(A, before=None, limit=1),
        lambda: bank.execute(CreditAccount(amount=1), A, CONTEXT),
    ):
        with pytest.raises(AccountNotFoundError):
            ask()


def test_the_past_by_version(opened: AccountService) -> None:
    assert [opened.account_at_version(A, version).version for version in (1, 2)] == [1, 2]
    with pytest.raises(VersionNotFoundError):
        opened.account_at_version(A, 3)


def test_the_past_by_time(opened: AccountService) -> None:
    for version in (1, 2):
        recorded_at = opened.account_at_version(A, version).recorded_at
        at = datetime.fromisoformat(recorded_at)
        assert opened.account_at(A, at).account.version == version
        assert format_timestamp(at) == recorded_at
    assert opened.account_at(A, START - timedelta(seconds=1)).account.version == 0


def test_history_goes_back_from_a_version(opened: AccountService) -> None:
    page = opened.history(A, before=2, limit=5)
    assert ([event.version for event in page.events], page.next_before) == ([1], None)
    assert opened.history(A, before=None, limit=1).next_before == 2


LONG_AFTER_NOW = "2099-01-01T00:00:00.000Z"


def stored(command: AnyCommand) -> StoredCommand[Account, AccountEvent]:
    task = (
        transfer_task(command, transfer_id("t"))
        if isinstance(command, Transfer)
        else task_of(command, A, actor="tester", test_callers=())
    )
    return StoredCommand(
        A, "command", task.stream_ids, task.decide, CONTEXT.metadata(), LONG_AFTER_NOW,
        lambda committed: Outcome(table.SUCCEEDED, {table.VERSION: committed.streams[0].version}),
        lambda error: Outcome(table.REJECTED, {table.PROBLEM: str(error)}),
        expected={}, opens=task.opens,
    )  # fmt: skip


def test_a_stored_command_ends_with_its_events() -> None:
    store = InMemoryEventStore()
    bank = new_bank(store, TickingClock())

    (result,) = bank.carry_out([stored(OpenAccount(currency="EUR"))])

    assert isinstance(result, Committed)
    assert after(result) == [(A, 1, 0)]
    assert bank.history(A, before=None, limit=1).events[0].occurred_at == LONG_AFTER_NOW
    completion = store.completion(A, "command")
    assert completion is not None
    assert (completion.status, completion.attributes) == (table.SUCCEEDED, {table.VERSION: 1})


def test_a_stored_transfer_moves_money_once() -> None:
    bank = new_bank(InMemoryEventStore(), TickingClock())
    for account in (A, B):
        bank.execute(OpenAccount(currency="EUR", overdraft_limit=100), account, CONTEXT)
    command = Transfer(from_account_id=A, to_account_id=B, amount=60)

    (result,) = bank.carry_out([stored(command)])

    assert isinstance(result, Committed)
    assert after(result) == [(A, 2, -60), (B, 2, 60)]
    (again,) = bank.carry_out([stored(command)])
    assert isinstance(again, StoredCommandCompletedError)
    assert bank.history(B, before=None, limit=1).events[0].occurred_at == LONG_AFTER_NOW


def test_a_stored_command_is_rejected_in_the_domains_words() -> None:
    store = InMemoryEventStore()

    (result,) = new_bank(store, TickingClock()).carry_out([stored(CreditAccount(amount=1))])

    assert isinstance(result, AccountNotFoundError)

    completion = store.completion(A, "command")
    assert completion is not None
    assert (completion.status, completion.attributes) == (
        table.REJECTED,
        {table.PROBLEM: "the account was never opened"},
    )
