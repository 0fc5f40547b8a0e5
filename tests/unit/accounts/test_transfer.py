"""Transfers: two different open accounts of one currency."""

from __future__ import annotations

import pytest

from lambdas.accounts.commands import Transfer
from lambdas.accounts.errors import (
    AccountClosedError,
    AccountNotFoundError,
    BalanceLimitExceededError,
    CurrencyMismatchError,
    InsufficientFundsError,
    SameAccountError,
)
from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.money import MAX_AMOUNT
from tests.unit.accounts.spec import TRANSFER_ID, A, B, fold, given_two

CREATED = AccountCreated(currency="EUR", overdraft_limit=0)
CREATED_WITH_LIMIT = AccountCreated(currency="EUR", overdraft_limit=50)
IN_DOLLARS = (AccountCreated(currency="USD", overdraft_limit=0),)
RICH = (CREATED, BalanceCredited(amount=100, currency="EUR"))
EMPTY = (CREATED,)
CLOSED = (CREATED, AccountClosed(currency="EUR"))
FULL: tuple[AccountEvent, ...] = (CREATED, *[BalanceCredited(amount=MAX_AMOUNT, currency="EUR")] * 9)
NOT_OPENED: tuple[AccountEvent, ...] = ()


def transfer(amount: int, sender: str = A, receiver: str = B) -> Transfer:
    return Transfer(from_account_id=sender, to_account_id=receiver, amount=amount)


def sent(amount: int) -> TransferSent:
    return TransferSent(transfer_id=TRANSFER_ID, to_account_id=B, amount=amount, currency="EUR")


def received(amount: int) -> TransferReceived:
    return TransferReceived(transfer_id=TRANSFER_ID, from_account_id=A, amount=amount, currency="EUR")


@pytest.mark.parametrize("amount", [1, 99, 100])
def test_moves_money_down_to_zero(amount: int) -> None:
    given_two(RICH, EMPTY).when(transfer(amount)).then(sent(amount), received(amount))


def test_moves_money_down_to_the_overdraft_limit() -> None:
    given_two((CREATED_WITH_LIMIT,), EMPTY).when(transfer(50)).then(sent(50), received(50))


def test_keeps_the_reference_on_both_sides() -> None:
    command = Transfer(from_account_id=A, to_account_id=B, amount=1, reference="rent")
    given_two(RICH, EMPTY).when(command).then(
        TransferSent(transfer_id=TRANSFER_ID, to_account_id=B, amount=1, currency="EUR", reference="rent"),
        TransferReceived(transfer_id=TRANSFER_ID, from_account_id=A, amount=1, currency="EUR", reference="rent"),
    )


def test_changes_both_balances_by_the_amount() -> None:
    sender, receiver = fold([*RICH, sent(30)]), fold([*EMPTY, received(30)])
    assert (sender and sender.balance, receiver and receiver.balance) == (70, 30)


@pytest.mark.parametrize(
    ("sender", "amount"), [(RICH, 101), (EMPTY, 1), ((CREATED_WITH_LIMIT,), 51)], ids=["rich", "empty", "limit"]
)
def test_does_not_pass_what_the_sender_has(sender: tuple[AccountEvent, ...], amount: int) -> None:
    given_two(sender, EMPTY).when(transfer(amount)).then_error(InsufficientFundsError)


def test_does_not_pass_the_largest_balance_of_the_receiver() -> None:
    given_two(RICH, FULL).when(transfer(9)).then(sent(9), received(9))
    given_two(RICH, FULL).when(transfer(10)).then_error(BalanceLimitExceededError)


def test_needs_a_sender() -> None:
    given_two(NOT_OPENED, EMPTY).when(transfer(1)).then_error(AccountNotFoundError)


def test_needs_a_receiver() -> None:
    given_two(RICH, NOT_OPENED).when(transfer(1)).then_error(AccountNotFoundError)


def test_needs_an_open_sender() -> None:
    given_two(CLOSED, EMPTY).when(transfer(1)).then_error(AccountClosedError)


def test_needs_an_open_receiver() -> None:
    given_two(RICH, CLOSED).when(transfer(1)).then_error(AccountClosedError)


def test_needs_one_currency() -> None:
    given_two(RICH, IN_DOLLARS).when(transfer(1)).then_error(CurrencyMismatchError)


@pytest.mark.parametrize("past", [RICH, NOT_OPENED, CLOSED], ids=["open", "not opened", "closed"])
def test_needs_two_different_accounts(past: tuple[AccountEvent, ...]) -> None:
    given_two(past, past).when(transfer(1, A, A)).then_error(SameAccountError)
